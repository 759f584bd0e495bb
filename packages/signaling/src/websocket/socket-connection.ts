import type { Logger } from '@libp2p/interface'
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ServerSocket } from 'ws'
import { WEBSOCKET_BUFFERED_BYTES_MAX } from '../limits.ts'

type Data = Parameters<AbstractMultiaddrConnection['sendData']>[0]

/** Where a socket leads, and who opened it. */
export interface SocketOrigin {
  readonly remoteAddr: Multiaddr
  readonly direction: 'inbound' | 'outbound'
  readonly log: Logger
}

/**
 * A WebSocket that came in through the HTTP server, or was opened to another, as libp2p's kind of connection. Its own listener
 * makes the same from sockets of a port of its own, and exports neither.
 */
export class SocketConnection extends AbstractMultiaddrConnection {
  private readonly socket: ServerSocket

  constructor(socket: ServerSocket, { remoteAddr, direction, log }: SocketOrigin) {
    super({ remoteAddr, direction, log })
    this.socket = socket
    socket.on('message', (data: Buffer | Buffer[] | ArrayBuffer, isBinary: boolean) => {
      if (isBinary && data instanceof Uint8Array) this.onData(data)
      else this.abort(new Error('libp2p speaks binary messages only'))
    })
    socket.once('close', (code: number) => {
      // 1005: closed politely, without a reason, as libp2p does.
      if (code === 1000 || code === 1005) this.onTransportClosed()
      else this.onRemoteReset()
    })
    // Told by 'close' as well, which follows.
    socket.on('error', (error: Error) => log.error('socket failed - %e', error))
  }

  override sendData(data: Data): SendResult {
    const sent = () => {
      // Not at 0: a pong, which nobody waits for, may stand behind the last message.
      if (this.writableNeedsDrain && this.socket.bufferedAmount < WEBSOCKET_BUFFERED_BYTES_MAX / 2)
        this.safeDispatchEvent('drain')
    }
    for (const bytes of data) this.socket.send(bytes, sent)
    const canSendMore = this.socket.bufferedAmount < WEBSOCKET_BUFFERED_BYTES_MAX
    return { sentBytes: data.byteLength, canSendMore }
  }

  /** Cuts the socket: whoever is thrown out may not answer a polite goodbye. */
  override sendReset(): void {
    this.socket.terminate()
  }

  override async sendClose(): Promise<void> {
    this.socket.close()
  }

  override sendPause(): void {
    this.socket.pause()
  }

  override sendResume(): void {
    this.socket.resume()
  }
}
