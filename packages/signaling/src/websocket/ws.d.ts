// The package `ws` ships no types; this is the part of its server that is used.
declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage } from 'node:http'
  import type { Duplex } from 'node:stream'

  export interface ServerSocket extends EventEmitter {
    readonly bufferedAmount: number
    send(data: Uint8Array, sent: (error?: Error) => void): void
    close(): void
    terminate(): void
    pause(): void
    resume(): void
  }

  export class WebSocketServer {
    constructor(options: {
      noServer: true
      clientTracking: boolean
      maxPayload: number
      perMessageDeflate: boolean
    })
    readonly clients: ReadonlySet<ServerSocket>
    handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      opened: (socket: ServerSocket) => void,
    ): void
    close(): void
  }

  /** A client, by the interface that it shares with a server's sockets. */
  export default class ClientSocket extends EventEmitter implements ServerSocket {
    constructor(
      url: URL,
      options: { perMessageDeflate: boolean; maxPayload: number; handshakeTimeout: number },
    )
    readonly bufferedAmount: number
    send(data: Uint8Array, sent: (error?: Error) => void): void
    close(): void
    terminate(): void
    pause(): void
    resume(): void
  }

  /** Of clients, in tests: it has the browser's interface. */
  export const WebSocket: typeof globalThis.WebSocket
}
