import { Server, type Socket } from 'node:net'
import { type Backlog, networkOf } from '@layerswarm/swarm'
import type { CreateListenerOptions, Listener, Transport, Upgrader } from '@libp2p/interface'
import { ipPortToMultiaddr } from '@libp2p/utils'

/** Whom a listener keeps waiting, and how long. */
export interface HandshakeBounds {
  /** Those that have not finished their handshake, at all listeners of a node together. */
  readonly backlog: Backlog
  /** From the first byte of TCP to the last of libp2p's handshake. */
  readonly timeoutMs: number
}

/**
 * The same transport, whose listeners cut whoever has not shaken hands in time or is too many. libp2p's
 * own time-out begins when a connection speaks libp2p: its WebSocket listener waits for ever for the first
 * byte of a socket, for the end of an HTTP header and for the answer to its own goodbye (200 sockets of
 * each kind were open after 70 s), and what has not spoken yet keeps it from closing.
 */
export function boundHandshakes<Needs>(
  create: (needs: Needs) => Transport,
  bounds: HandshakeBounds,
): (needs: Needs) => Transport {
  return (needs) => {
    const transport = create(needs)
    const createListener = transport.createListener.bind(transport)
    return Object.assign(transport, {
      createListener(options: CreateListenerOptions) {
        const waiting = new Map<string, Handshake>()
        const listener = createListener({
          ...options,
          upgrader: releasing(options.upgrader, (place) => waiting.get(place)?.end()),
        })
        watch(listener, bounds, waiting)
        return listener
      },
    })
  }
}

/** One socket that has not shaken hands. */
interface Handshake {
  /** It is over, for better or worse. */
  end(): void
  cut(): void
}

function watch(listener: Listener, bounds: HandshakeBounds, waiting: Map<string, Handshake>): void {
  // Before the listener's own: TCP's begins its handshake at once.
  serverOf(listener)?.prependListener('connection', (socket: Socket) =>
    begin(socket, bounds, waiting),
  )
  const close = listener.close.bind(listener)
  listener.close = async () => {
    const closed = close()
    for (const { cut } of waiting.values()) cut()
    await closed
  }
}

function begin(
  socket: Socket,
  { backlog, timeoutMs }: HandshakeBounds,
  waiting: Map<string, Handshake>,
): void {
  const place = placeOf(socket)
  const cut = () => void socket.destroy()
  const timer = setTimeout(cut, timeoutMs)
  const leave = backlog.enter(networkOf(socket.remoteAddress ?? ''), cut)
  const handshake = {
    cut,
    end() {
      clearTimeout(timer)
      leave()
      if (waiting.get(place) === handshake) waiting.delete(place)
    },
  }
  waiting.set(place, handshake)
  socket.once('close', handshake.end)
  // A WebSocket's has no other listener until it has said something.
  socket.on('error', cut)
}

/** Tells of each connection that has shaken hands. One that has not waits for its end. */
function releasing(upgrader: Upgrader, done: (place: string) => void): Upgrader {
  const upgradeInbound: Upgrader['upgradeInbound'] = async (connection, options) => {
    await upgrader.upgradeInbound(connection, options)
    done(String(connection.remoteAddr).replace(/\/ws$/, ''))
  }
  return Object.assign(Object.create(upgrader), { upgradeInbound })
}

/** As libp2p names it in the connection that it makes of the socket; nothing for what it makes none of. */
function placeOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  try {
    return String(ipPortToMultiaddr(remoteAddress, remotePort))
  } catch {
    // Gone already, or of the link (`fe80::1%eth0`).
    return ''
  }
}

/** The server of Node's below libp2p's listeners for TCP and WebSocket; their types do not name it. */
function serverOf(listener: Listener): Server | undefined {
  return 'server' in listener && listener.server instanceof Server ? listener.server : undefined
}
