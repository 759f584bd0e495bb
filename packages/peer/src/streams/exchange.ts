import { createQuota, PEERS_MAX } from '@layerswarm/swarm'
import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import { within } from '../deadline.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { isDirect } from '../node/peer-connections.ts'
import { asError, createLines, framesOf, type Line } from './lines.ts'

/** One question-and-answer protocol as data: its name and everything that bounds it. */
export interface ExchangeProtocol {
  readonly id: string
  readonly requestBytesMax: number
  readonly responseBytesMax: number
  /** Questions per second of one peer; a peer that asks faster loses its stream. */
  readonly requestsPerSecond: number
  /** Bytes per second that one peer is given; one that asks for more loses its stream. A second of it comes at once. */
  readonly bytesPerSecond: number
  /** Streams per peer and direction; a question occupies one until it is answered. */
  readonly streamsPerPeerMax: number
  /** From the question to the last byte of the answer. */
  readonly timeoutMs: number
}

/** What a peer answers; undefined when it does not have what was asked for. */
export type Answerer = (request: Uint8Array, asker: string) => Promise<Uint8Array | undefined>

/** Asks and answers over long-lived streams of direct connections. */
export interface Exchange {
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * Asks a peer. Undefined when it does not have it.
   * @throws Error when there is no direct connection, the time is up, or the stream breaks.
   */
  ask(peer: string, request: Uint8Array, signal?: AbortSignal): Promise<Uint8Array | undefined>
  /** Payload bytes. `overRelay` counts any of them that crossed a limited connection: none may. */
  readonly bytes: { readonly in: number; readonly out: number; readonly overRelay: number }
}

/** The first frame of an answer; `HERE` is followed by a frame with the bytes. */
const ABSENT = Uint8Array.of(0)
const HERE = Uint8Array.of(1)

/**
 * 1. A stream carries one question at a time, so an answer needs no number and a slow reader never
 *    has more than one answer buffered.
 * 2. A question that fails or is given up takes its stream with it.
 * 3. Nothing is asked or answered over a limited connection.
 */
export function createExchange(
  node: SwarmNode,
  protocol: ExchangeProtocol,
  answer: Answerer,
): Exchange {
  const bytes = { in: 0, out: 0, overRelay: 0 }
  const lines = createLines(node, {
    id: protocol.id,
    frameBytesMax: protocol.responseBytesMax,
    streamsPerPeerMax: protocol.streamsPerPeerMax,
  })
  const inbound = new Set<Stream>()
  const quota = createQuota({
    perSecond: protocol.requestsPerSecond,
    burst: protocol.requestsPerSecond,
    namesMax: PEERS_MAX,
  })

  const given = createQuota({
    perSecond: protocol.bytesPerSecond,
    burst: protocol.bytesPerSecond,
    namesMax: PEERS_MAX,
  })

  const handle: StreamHandler = (stream, connection) => {
    inbound.add(stream)
    stream.addEventListener('close', () => inbound.delete(stream), { once: true })
    answerAll(stream, connection).catch((error: unknown) => stream.abort(asError(error)))
  }

  async function answerAll(stream: Stream, connection: Connection): Promise<void> {
    if (!isDirect(connection)) throw new Error(`${protocol.id} needs a direct connection`)
    const asker = connection.remotePeer.toString()
    const frames = framesOf(stream, protocol.requestBytesMax)
    for (;;) {
      const request = (await frames.read()).slice()
      if (!quota.take(asker, performance.now())) throw new Error('too many questions')
      const found = await answer(request, asker)
      const size = found?.length ?? 0
      if (!given.take(asker, performance.now(), size)) throw new Error('too many bytes')
      await within(protocol.timeoutMs, undefined, (signal) =>
        frames.writeV(found === undefined ? [ABSENT] : [HERE, found], { signal }),
      )
      bytes.out += size
      if (connection.limits !== undefined) bytes.overRelay += size
    }
  }

  async function askOn(line: Line, request: Uint8Array, signal: AbortSignal) {
    await line.frames.write(request, { signal })
    const [status] = (await line.frames.read({ signal })).slice()
    if (status === ABSENT[0]) return undefined
    if (status !== HERE[0]) throw new Error(`unknown status ${status}`)
    // A copy: the stream's buffers are views of the network's.
    return (await line.frames.read({ signal })).slice()
  }

  return {
    bytes,
    async start() {
      await node.handle(protocol.id, handle, {
        maxInboundStreams: protocol.streamsPerPeerMax,
        maxOutboundStreams: protocol.streamsPerPeerMax,
        runOnLimitedConnection: false,
      })
    },
    async stop() {
      lines.close()
      for (const stream of inbound) stream.abort(new Error('the peer stopped'))
      inbound.clear()
      await node.unhandle(protocol.id)
    },
    ask(peer, request, signal) {
      return within(protocol.timeoutMs, signal, async (bounded) => {
        const found = await lines.use(peer, bounded, (line) => askOn(line, request, bounded))
        bytes.in += found?.length ?? 0
        return found
      })
    },
  }
}
