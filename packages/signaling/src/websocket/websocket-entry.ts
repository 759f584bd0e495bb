import { setMaxListeners } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ComponentLogger, Upgrader } from '@libp2p/interface'
import { ipPortToMultiaddr } from '@libp2p/utils'
import ClientSocket, { type ServerSocket, WebSocketServer } from 'ws'
import { reasonOf } from '../errors.ts'
import { PEERING_DIAL_MS_MAX, WEBSOCKET_MESSAGE_BYTES_MAX } from '../limits.ts'
import { SocketConnection } from './socket-connection.ts'

/**
 * Takes over a request that asks for another protocol, as Node's `upgrade` event gives it.
 * `address` is the IP address of whoever asks; empty for who has gone already.
 */
export type UpgradeHandler = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  address: string,
) => void

/** What libp2p lends to those that bring it connections. */
export interface EntryComponents {
  readonly logger: ComponentLogger
  readonly upgrader: Pick<Upgrader, 'upgradeInbound' | 'upgradeOutbound'>
}

/**
 * Brings libp2p the WebSockets that come to the HTTP server's port, so that whatever lets the page
 * through lets the swarm through. libp2p's own listener wants a port for itself.
 *
 * 1. Any path will do: a proxy may have taken a part of it away.
 * 2. A socket that does not shake hands in time is cut by libp2p, and leaves nothing behind.
 * 3. After `close` no socket is open and none is taken.
 */
export class WebSocketEntry {
  private readonly components: EntryComponents
  private readonly server: WebSocketServer
  private readonly closed = new AbortController()
  /** Sockets to other servers. */
  private readonly reached = new Set<ServerSocket>()

  constructor(components: EntryComponents) {
    this.components = components
    // Every handshake under way follows it, and Node warns of a leak at eleven.
    setMaxListeners(Number.POSITIVE_INFINITY, this.closed.signal)
    this.server = new WebSocketServer({
      noServer: true,
      clientTracking: true,
      maxPayload: WEBSOCKET_MESSAGE_BYTES_MAX,
      // What libp2p sends is encrypted: nothing is left to compress.
      perMessageDeflate: false,
    })
  }

  readonly take: UpgradeHandler = (request, socket, head, address) => {
    // Who has reset the connection in the meantime has no address any more, and libp2p asks for one.
    if (this.closed.signal.aborted || isIP(address) === 0) {
      socket.destroy()
      return
    }
    const { remotePort = 0 } = request.socket
    this.server.handleUpgrade(request, socket, head, (opened) => {
      this.bringIn(opened, address, remotePort)
    })
  }

  /**
   * Opens a WebSocket to another server and brings libp2p that: whoever calls this knows the URL from
   * the host, and libp2p itself dials nobody.
   * @throws Error when nobody answers there, or somebody else than this peer.
   */
  async reach(url: URL, peerId: string, signal: AbortSignal): Promise<void> {
    const { logger, upgrader } = this.components
    const bounded = AbortSignal.any([signal, this.closed.signal])
    const [socket, address, port] = await open(url, bounded)
    const log = logger.forComponent('layerswarm:websocket')
    const remoteAddr = ipPortToMultiaddr(address, port).encapsulate(`/ws/p2p/${peerId}`)
    this.reached.add(socket)
    socket.once('close', () => this.reached.delete(socket))
    const connection = new SocketConnection(socket, { remoteAddr, direction: 'outbound', log })
    try {
      await upgrader.upgradeOutbound(connection, { signal: bounded })
    } catch (error) {
      connection.abort(new Error(reasonOf(error)))
      throw error
    }
  }

  /** Cuts every socket. */
  close(): void {
    this.closed.abort(new Error('the server stopped'))
    for (const socket of this.reached) socket.terminate()
    for (const socket of this.server.clients) socket.terminate()
    this.server.close()
  }

  private bringIn(socket: ServerSocket, address: string, port: number): void {
    const { logger, upgrader } = this.components
    const log = logger.forComponent('layerswarm:websocket')
    const remoteAddr = ipPortToMultiaddr(address, port).encapsulate('/ws')
    const connection = new SocketConnection(socket, { remoteAddr, direction: 'inbound', log })
    upgrader
      .upgradeInbound(connection, { signal: this.closed.signal })
      .catch((error: unknown) => connection.abort(new Error(reasonOf(error))))
  }
}

/** Opens a WebSocket. @returns it, and what other end it has. @throws Error when there is none. */
function open(
  url: URL,
  signal: AbortSignal,
): Promise<[ServerSocket, address: string, port: number]> {
  const socket = new ClientSocket(url, {
    perMessageDeflate: false,
    maxPayload: WEBSOCKET_MESSAGE_BYTES_MAX,
    handshakeTimeout: PEERING_DIAL_MS_MAX,
  })
  return new Promise((resolve, reject) => {
    let [address, port] = ['', 0]
    const end = () => socket.terminate()
    signal.addEventListener('abort', end, { once: true })
    socket.once(
      'upgrade',
      ({ socket: { remoteAddress = '', remotePort = 0 } }: IncomingMessage) => {
        ;[address, port] = [remoteAddress, remotePort]
      },
    )
    socket.once('open', () => {
      signal.removeEventListener('abort', end)
      resolve([socket, address, port])
    })
    // Stays: a socket that is cut while it opens says so twice.
    socket.on('error', (error) => {
      signal.removeEventListener('abort', end)
      reject(error)
    })
    if (signal.aborted) end()
  })
}
