import type { MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'

type Components = Parameters<ReturnType<typeof webSockets>>[0]
type DialOptions = Parameters<Transport['dial']>[1]
type ListenOptions = Parameters<Transport['createListener']>[0]

/**
 * libp2p's WebSockets, which also dial addresses below a path, as `/dns4/host/tcp/443/tls/ws/http-path/swarm%2Fws`.
 * libp2p makes the right URL of one and refuses to dial it: its matchers know no path behind `ws`. For
 * the same reason a connection's remote address is without it; circuits through a relay are named by that.
 * A path that is no swarm's is not dialled: strangers announce addresses, and a WebSocket begins with a GET.
 * Whoever is cut off is: libp2p (10.1) aborts with a code that WebSockets may not say, and leaves the socket open.
 */
export function webSocketsBelowPaths(): (components: Components) => Transport {
  return (components) => {
    const transport = webSockets()(components)
    const dialFilter = transport.dialFilter.bind(transport)
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    return Object.assign(transport, {
      dialFilter: (addresses: Multiaddr[]) =>
        addresses.filter(
          (address) => isOfSwarm(address) && dialFilter([withoutPath(address)]).length > 0,
        ),
      dial: (address: Multiaddr, options: DialOptions) =>
        dial(address, {
          ...options,
          upgrader: namingPlace(options.upgrader, withoutPath(address)),
        }),
      createListener: (options: ListenOptions) =>
        createListener({ ...options, upgrader: cutting(options.upgrader) }),
    })
  }
}

/** What peers and servers add to the path of a page: see join-url.ts. */
const PATH_END = /(^|\/)ws$/

/** Whether the path of an address, if it has one, is that of a swarm's WebSockets. */
function isOfSwarm(address: Multiaddr): boolean {
  return address
    .getComponents()
    .every(({ name, value = '' }) => name !== 'http-path' || PATH_END.test(value))
}

function withoutPath(address: Multiaddr): Multiaddr {
  return multiaddr(address.getComponents().filter(({ name }) => name !== 'http-path'))
}

/** Upgrades connections that say another place of their remote than was dialled. */
function namingPlace(upgrader: Upgrader, place: Multiaddr): Upgrader {
  const upgradeOutbound: Upgrader['upgradeOutbound'] = (connection, options) => {
    connection.remoteAddr = place
    return upgrader.upgradeOutbound(cuttable(connection), options)
  }
  return Object.assign(Object.create(upgrader), { upgradeOutbound })
}

/** Upgrades connections that come in, and that can be cut off. */
function cutting(upgrader: Upgrader): Upgrader {
  const upgradeInbound: Upgrader['upgradeInbound'] = (connection, options) =>
    upgrader.upgradeInbound(cuttable(connection), options)
  return Object.assign(Object.create(upgrader), { upgradeInbound })
}

/** What of libp2p's connection over a WebSocket ends it; its types name neither. */
interface SocketConnection {
  readonly websocket: WebSocket | { terminate(): void }
  sendReset(): void
}

function cuttable<C extends MultiaddrConnection>(connection: C): C {
  const own = connection as C & SocketConnection
  own.sendReset = () => {
    // Browsers have nothing sharper than the polite way.
    if ('terminate' in own.websocket) own.websocket.terminate()
    else own.websocket.close()
  }
  return connection
}
