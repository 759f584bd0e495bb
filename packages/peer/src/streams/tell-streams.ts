import { MESSAGE_BYTES_MAX } from '@layerswarm/swarm'
import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import { within } from '../deadline.ts'
import {
  TELL_BATCH_BYTES_MAX,
  TELL_STREAMS_PER_PEER_MAX,
  TELL_TIMEOUT_MS,
  TELL_UNREAD_BYTES_MAX,
  TELLS_WAITING_PER_PEER_MAX,
} from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { isDirect } from '../node/peer-connections.ts'
import { abortAfter, asError, framesOf, isReachable, type Line, openNewLine } from './lines.ts'

/** One message per frame, from the end that opened the stream to the other; nothing comes back. */
export const TELL_PROTOCOL = '/layerswarm/tell/2'

/** Nothing is read from an outgoing stream. */
const OUTGOING = Object.freeze({
  id: TELL_PROTOCOL,
  frameBytesMax: 0,
  streamsPerPeerMax: TELL_STREAMS_PER_PEER_MAX,
})

/** Messages to one peer alone, over a stream of their own that never waits behind a tensor. */
export interface TellStreams {
  start(): Promise<void>
  stop(): Promise<void>
  /** Sends a message to a peer; best effort, never throws. Nothing happens without a direct connection. */
  tell(peer: string, message: Uint8Array): void
  /** Bytes of messages. `overRelay` counts any of them that crossed a limited connection: none may. */
  readonly bytes: { readonly in: number; readonly out: number; readonly overRelay: number }
}

/** Who hears what is told: false aborts the stream on which it came. */
export type ToldListener = (peer: string, message: Uint8Array) => boolean

/** What goes to one peer. */
interface Outlet {
  readonly waiting: Uint8Array[]
  line: Line | undefined
  isWriting: boolean
}

/**
 * 1. A pair has one stream in each direction; one that breaks is opened anew for the next message.
 * 2. At most TELLS_WAITING_PER_PEER_MAX messages wait for a peer; the oldest make room.
 * 3. Nothing is told or heard over a limited connection, and no frame is longer than a message may be.
 * 4. After `stop` nobody is told and nobody hears.
 */
export function createTellStreams(node: SwarmNode, heard: ToldListener): TellStreams {
  const bytes = { in: 0, out: 0, overRelay: 0 }
  const outlets = new Map<string, Outlet>()
  const inbound = new Set<Stream>()
  const stopped = new AbortController()

  const handle: StreamHandler = (stream, connection) => {
    inbound.add(stream)
    stream.addEventListener('close', () => inbound.delete(stream), { once: true })
    hearAll(stream, connection).catch((error: unknown) => stream.abort(asError(error)))
  }

  async function hearAll(stream: Stream, connection: Connection): Promise<void> {
    if (!isDirect(connection)) throw new Error(`${TELL_PROTOCOL} needs a direct connection`)
    const peer = connection.remotePeer.toString()
    const frames = framesOf(stream, MESSAGE_BYTES_MAX, TELL_UNREAD_BYTES_MAX)
    for (;;) {
      // A copy: the stream's buffers are views of the network's.
      const message = (await frames.read()).slice()
      if (stopped.signal.aborted) return
      bytes.in += message.length
      if (!heard(peer, message)) throw new Error('a refused message')
    }
  }

  async function write(peer: string, outlet: Outlet): Promise<void> {
    outlet.isWriting = true
    try {
      while (outlet.waiting.length > 0) {
        outlet.line ??= await open(peer, outlet)
        const { frames, stream, isLimited } = outlet.line
        const batch = takeBatch(outlet.waiting)
        const endWait = abortAfter(TELL_TIMEOUT_MS, stream)
        await frames.writeV(batch).finally(endWait)
        if (stream.status !== 'open') outlet.line = undefined
        const size = batch.reduce((sum, { length }) => sum + length, 0)
        bytes.out += size
        if (isLimited) bytes.overRelay += size
      }
    } catch (error) {
      outlet.line?.stream.abort(asError(error))
      outlets.delete(peer)
    } finally {
      outlet.isWriting = false
    }
  }

  async function open(peer: string, outlet: Outlet): Promise<Line> {
    const line = await within(TELL_TIMEOUT_MS, stopped.signal, (signal) =>
      openNewLine(node, peer, OUTGOING, signal),
    )
    const closed = () => {
      if (outlet.line === line) outlet.line = undefined
      if (!outlet.isWriting && outlets.get(peer) === outlet) outlets.delete(peer)
    }
    line.stream.addEventListener('close', closed, { once: true })
    return line
  }

  return {
    bytes,
    async start() {
      await node.handle(TELL_PROTOCOL, handle, {
        maxInboundStreams: TELL_STREAMS_PER_PEER_MAX,
        maxOutboundStreams: TELL_STREAMS_PER_PEER_MAX,
        runOnLimitedConnection: false,
      })
    },
    async stop() {
      const reason = new Error('the peer stopped')
      stopped.abort(reason)
      for (const { line } of outlets.values()) line?.stream.abort(reason)
      for (const stream of inbound) stream.abort(reason)
      outlets.clear()
      inbound.clear()
      await node.unhandle(TELL_PROTOCOL)
    },
    tell(peer, message) {
      if (stopped.signal.aborted || !isReachable(node, peer)) return
      const outlet = outlets.get(peer) ?? { waiting: [], line: undefined, isWriting: false }
      outlets.set(peer, outlet)
      outlet.waiting.push(message)
      if (outlet.waiting.length > TELLS_WAITING_PER_PEER_MAX) outlet.waiting.shift()
      if (!outlet.isWriting) write(peer, outlet).catch(() => undefined)
    },
  }
}

/** The oldest messages, as many as are written at once. */
function takeBatch(waiting: Uint8Array[]): Uint8Array[] {
  let size = 0
  let count = 0
  for (const { length } of waiting) {
    size += length
    if (count > 0 && size > TELL_BATCH_BYTES_MAX) break
    count++
  }
  return waiting.splice(0, count)
}
