import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import { within } from '../deadline.ts'
import { ALIVE_PING_TIMEOUT_MS } from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { isDirect } from '../node/peer-connections.ts'

/** One byte on it means: I am gone now. */
export const BYE_PROTOCOL = '/layerswarm/bye/1'

const BYE = Uint8Array.of(1)

/**
 * Goodbyes that get out of a page that is being closed. A gossip message does not: it is signed
 * asynchronously. A byte on a stream that was opened beforehand arrives within 20 ms, where the
 * loss of a WebRTC connection is noticed after 17 s.
 */
export interface Goodbyes {
  start(): Promise<void>
  stop(): Promise<void>
  /** Tells every directly connected peer, synchronously. */
  say(): void
  /** Connections over which a goodbye would get out now. */
  readonly reaches: number
}

/** @param heard called with the id of a peer that said goodbye. */
export function createGoodbyes(node: SwarmNode, heard: (peer: string) => void): Goodbyes {
  const outgoing = new Map<string, Stream>()
  const incoming = new Set<Stream>()
  const stopped = new AbortController()

  const opened = ({ detail: connection }: CustomEvent<Connection>) => {
    if (!isDirect(connection)) return
    open(connection).catch(() => {
      // A bootstrap node does not speak it, or the connection is gone already.
    })
  }

  async function open(connection: Connection): Promise<void> {
    const stream = await within(ALIVE_PING_TIMEOUT_MS, stopped.signal, (signal) =>
      connection.newStream(BYE_PROTOCOL, { signal, negotiateFully: true }),
    )
    outgoing.set(connection.id, stream)
    stream.addEventListener('close', () => outgoing.delete(connection.id), { once: true })
  }

  const handle: StreamHandler = (stream, connection) => {
    incoming.add(stream)
    stream.addEventListener('close', () => incoming.delete(stream), { once: true })
    stream.addEventListener('message', () => heard(connection.remotePeer.toString()), {
      once: true,
    })
  }

  return {
    async start() {
      await node.handle(BYE_PROTOCOL, handle, { maxInboundStreams: 1, maxOutboundStreams: 1 })
      node.addEventListener('connection:open', opened)
      for (const connection of node.getConnections()) {
        opened(new CustomEvent('connection:open', { detail: connection }))
      }
    },
    async stop() {
      stopped.abort(new Error('the peer stopped'))
      node.removeEventListener('connection:open', opened)
      for (const stream of [...outgoing.values(), ...incoming])
        stream.abort(new Error('the peer stopped'))
      await node.unhandle(BYE_PROTOCOL)
    },
    get reaches() {
      return outgoing.size
    },
    say() {
      for (const stream of outgoing.values()) {
        try {
          stream.send(BYE)
        } catch {
          // Closed in the meantime: whoever closed it knows.
        }
      }
    },
  }
}
