import './polyfill.node.ts'
import { isIP } from 'node:net'
import { createBacklog } from '@layerswarm/swarm'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { PeerError } from '../errors.ts'
import { watchLife } from '../life/life.node.ts'
import { DIAL_TIMEOUT_MS, INBOUND_PENDING_MAX, WEBRTC_CLOSE_TIMEOUT_MS } from '../limits.ts'
import { corkedWrites } from './corked-writes.node.ts'
import { createCrowds } from './crowds.node.ts'
import { deviceFacts } from './device.node.ts'
import { isForeign, ownSubnets } from './foreign-places.node.ts'
import { boundHandshakes } from './handshakes.node.ts'
import { type NodeOptions, type Platform, sharedConfig, type Ways } from './libp2p-config.ts'
import { memberNoise } from './membership.ts'
import { closeConnection } from './peer-connections.ts'
import { isCircuit } from './reach.ts'
import { createSignalingBudget } from './signaling-budget.ts'
import { webSocketsBelowPaths } from './web-sockets.ts'
import { openWebRtc, type WebRtc } from './webrtc.node.ts'

/**
 * Node: TCP for other Node peers, WebSocket for them and for tabs, which dial in; and WebRTC, introduced
 * through circuits of the bootstrap node, for whoever can open no socket here.
 */
export const platform: Platform = Object.freeze({
  async createNode(options) {
    const webrtc = options.webrtc ? await loadWebRtc(options) : undefined
    const sockets = socketsOf(options)
    const bounds = { backlog: createBacklog(INBOUND_PENDING_MAX), timeoutMs: DIAL_TIMEOUT_MS }
    const config = sharedConfig(options)
    const crowds = createCrowds()
    const node = await createLibp2p({
      ...config,
      connectionGater: {
        ...config.connectionGater,
        denyDialMultiaddr: denying(options),
        denyInboundEncryptedConnection: (peer, connection) =>
          options.isBanned(peer.toString()) ||
          !options.admits(peer.toString()) ||
          !crowds.admit(connection),
      },
      addresses: {
        listen: [...sockets, ...(webrtc === undefined ? [] : ['/p2p-circuit', '/webrtc'])],
        announceFilter: announcing(options),
      },
      connectionEncrypters: [corkedWrites(memberNoise(options.swarmKey))],
      transports: [
        boundHandshakes(tcp(), bounds),
        boundHandshakes(webSocketsBelowPaths(), bounds),
        ...(webrtc?.transports ?? []),
      ],
    }).catch((error: unknown) => {
      webrtc?.close()
      throw listenError(options, error)
    })
    const stop = async () => {
      await Promise.all(
        node
          .getConnections()
          // What libp2p closes by itself makes Node warn of a leak: see closeConnection.
          .filter(({ multiplexer }) => multiplexer === '/webrtc')
          .map((connection) => closeConnection(connection, WEBRTC_CLOSE_TIMEOUT_MS)),
      )
      await node.stop()
      webrtc?.close()
    }
    return { node, ways: waysOf(sockets.length > 0, webrtc !== undefined), stop }
  },
  watchLife,
  deviceFacts,
  peerConnectionsMade: () => 0,
} satisfies Platform)

/** A server's addresses come from whoever gave its URL to this peer, all others from strangers. */
function denying({ isForwarder, webrtc }: NodeOptions): (address: Multiaddr) => boolean {
  return (address) => {
    const [first] = address.getComponents().filter(({ name }) => name === 'p2p')
    if (first?.value !== undefined && isForwarder(first.value)) return false
    return isForeign(address, { isAmongOwn: !webrtc, subnets: ownSubnets() })
  }
}

/** What it listens on: WebSocket alone where the port is chosen, which everybody can dial. */
function socketsOf({ host, port }: NodeOptions): string[] {
  if (host === undefined) return []
  if (isIP(host) === 0 || host.includes('%')) throw cannotListen(host, port ?? 0)
  const family = host.includes(':') ? 'ip6' : 'ip4'
  const at = `/${family}/${host}/tcp`
  return port === undefined ? [`${at}/0`, `${at}/0/ws`] : [`${at}/${port}/ws`]
}

function waysOf(hasSockets: boolean, hasWebRtc: boolean): Ways {
  const wish = hasSockets ? 'wanted' : 'needed'
  return {
    reservation: hasWebRtc ? wish : 'none',
    canDial: (address) =>
      isCircuit(address) ? hasWebRtc && address.includes('/webrtc/') : address.includes('/tcp/'),
  }
}

/** Puts what is announced in the place of the sockets; circuits are told in any case. */
function announcing({ announce, privateKey }: NodeOptions): (own: Multiaddr[]) => Multiaddr[] {
  if (announce.length === 0) return (own) => own
  const self = peerIdFromPrivateKey(privateKey)
  const told = announce.map((address) => multiaddr(`${address}/p2p/${self}`))
  return (own) => [...told, ...own.filter((one) => isCircuit(one.toString()))]
}

/** Without WebRTC a peer still serves those who can open a socket to it. */
async function loadWebRtc({
  iceServers,
  isAcquainted,
  isForwarder,
  say,
}: NodeOptions): Promise<WebRtc | undefined> {
  // Nothing here allows only so many connections in a life.
  const budget = createSignalingBudget(Number.POSITIVE_INFINITY)
  const admits = (peer: string) => budget.spend(peer, isAcquainted(peer), performance.now())
  try {
    return await openWebRtc(iceServers, admits, isForwarder)
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
    say(
      `no WebRTC, so tabs on https pages and peers behind other routers do not reach this one: ${reason}`,
    )
    return undefined
  }
}

/** Turns libp2p's report of what it cannot listen on into a line that says what to do. */
function listenError({ host = '', port = 0 }: NodeOptions, error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'UnsupportedListenAddressesError') return error
  const fault = { code: 'cannot-listen', host, port } as const
  if (error.message.includes('EADDRINUSE')) {
    const line = `port ${port} is in use by another program; stop that one or choose another port`
    return new PeerError(fault, line, { cause: error })
  }
  if (error.message.includes('EACCES')) {
    const line = `port ${port} may not be opened by this user; choose one above 1023`
    return new PeerError(fault, line, { cause: error })
  }
  return cannotListen(host, port, error)
}

function cannotListen(host: string, port: number, cause?: unknown): PeerError {
  const line = `cannot listen on ${host}, port ${port}; give an IP address of this machine`
  return new PeerError({ code: 'cannot-listen', host, port }, line, { cause })
}
