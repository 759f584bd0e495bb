import { Server, type Socket } from 'node:net'
import type { Libp2p, Libp2pEvents } from '@libp2p/interface'
import { HANDSHAKE_MS_MAX } from './limits.ts'

/**
 * Closes sockets that libp2p holds and does not use. Its WebSocket listener waits without end for
 * a first byte, and an aborted WebSocket connection stays open underneath; both would pile up and
 * keep the listener from closing.
 */
export interface SocketWarden {
  /** Destroys every socket older than HANDSHAKE_MS_MAX that carries no connection. */
  sweep(nowMs: number): void
  /** Destroys all of them. */
  destroyAll(): void
  readonly size: number
}

/** @param node not started yet, so that no listener is missed. */
export function createSocketWarden(
  node: Pick<Libp2p, 'addEventListener' | 'getConnections'>,
): SocketWarden {
  const sockets = new Map<Socket, number>()
  node.addEventListener(
    'transport:listening',
    ({ detail }: Libp2pEvents['transport:listening']) => {
      // The transports keep their node:net server to themselves; without one there is nothing to watch.
      const server: unknown = Reflect.get(detail, 'server')
      if (!(server instanceof Server)) return
      server.on('connection', (socket: Socket) => {
        sockets.set(socket, Date.now())
        socket.once('close', () => sockets.delete(socket))
      })
    },
  )

  return {
    sweep(nowMs) {
      const used = new Set(
        node.getConnections().map(({ remoteAddr }) => portOf(String(remoteAddr))),
      )
      for (const [socket, sinceMs] of sockets) {
        if (nowMs - sinceMs > HANDSHAKE_MS_MAX && !used.has(socket.remotePort)) socket.destroy()
      }
    },
    destroyAll() {
      for (const socket of sockets.keys()) socket.destroy()
    },
    get size() {
      return sockets.size
    },
  }
}

/** The remote port in `/ip4/192.0.2.1/tcp/51000/ws`: enough, because a wrong match only spares a socket. */
function portOf(address: string): number | undefined {
  const port = /\/tcp\/(\d+)/.exec(address)?.[1]
  return port === undefined ? undefined : Number(port)
}
