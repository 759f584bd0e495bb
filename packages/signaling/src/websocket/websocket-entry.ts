import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ComponentLogger, Upgrader } from '@libp2p/interface'
import { ipPortToMultiaddr } from '@libp2p/utils'
import { type ServerSocket, WebSocketServer } from 'ws'
import { reasonOf } from '../errors.ts'
import { WEBSOCKET_MESSAGE_BYTES_MAX } from '../limits.ts'
import { SocketConnection } from './socket-connection.ts'

/**
 * Takes over a request that asks for another protocol, as Node's `upgrade` event gives it.
 * `address` is the IP address of whoever asks.
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
  readonly upgrader: Pick<Upgrader, 'upgradeInbound'>
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

  constructor(components: EntryComponents) {
    this.components = components
    this.server = new WebSocketServer({
      noServer: true,
      clientTracking: true,
      maxPayload: WEBSOCKET_MESSAGE_BYTES_MAX,
      // What libp2p sends is encrypted: nothing is left to compress.
      perMessageDeflate: false,
    })
  }

  readonly take: UpgradeHandler = (request, socket, head, address) => {
    if (this.closed.signal.aborted) {
      socket.destroy()
      return
    }
    const { remotePort = 0 } = request.socket
    this.server.handleUpgrade(request, socket, head, (opened) => {
      this.bringIn(opened, address, remotePort)
    })
  }

  /** Cuts every socket. */
  close(): void {
    this.closed.abort(new Error('the server stopped'))
    for (const socket of this.server.clients) socket.terminate()
    this.server.close()
  }

  private bringIn(socket: ServerSocket, address: string, port: number): void {
    const { logger, upgrader } = this.components
    const log = logger.forComponent('layerswarm:websocket')
    const remoteAddr = ipPortToMultiaddr(address, port).encapsulate('/ws')
    const connection = new SocketConnection(socket, remoteAddr, log)
    upgrader
      .upgradeInbound(connection, { signal: this.closed.signal })
      .catch((error: unknown) => connection.abort(new Error(reasonOf(error))))
  }
}
