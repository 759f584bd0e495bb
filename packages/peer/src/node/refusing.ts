import type { StreamHandler, StreamHandlerOptions } from '@libp2p/interface'

/** What is used of libp2p's registrar. */
export interface Registrar {
  handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void>
}

/**
 * The same registrar for one transport, which handles one protocol: streams of whom it does not admit are ended before
 * the transport has heard of them. libp2p's middleware would run a handler once more with each stream.
 * @param admits asked once for each stream, with the peer that opens it.
 */
export function refusing(
  registrar: Registrar,
  admits: (peer: string) => boolean,
  why: string,
  bounds: StreamHandlerOptions = {},
): Registrar {
  const handle: Registrar['handle'] = (protocol, handler, options) =>
    registrar.handle(
      protocol,
      (stream, connection) => {
        if (admits(connection.remotePeer.toString())) return handler(stream, connection)
        stream.abort(new Error(why))
      },
      { ...options, ...bounds },
    )
  return Object.assign(Object.create(registrar), { handle })
}
