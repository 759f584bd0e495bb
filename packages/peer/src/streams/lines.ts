import type { Stream } from '@libp2p/interface'
import { type LengthPrefixedStream, lpStream } from '@libp2p/utils'
import { FRAME_LENGTH_BYTES_MAX, FRAMING_BYTES } from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { directConnection } from '../node/peer-connections.ts'
import { createTurns } from './turns.ts'

/** A stream, read and written in frames that begin with their length. */
export interface Line {
  readonly stream: Stream
  readonly frames: LengthPrefixedStream<Stream>
  /** It crosses a limited connection, a relay's; none may. */
  readonly isLimited: boolean
}

/** Which streams are opened, and how many. */
export interface LinesOptions {
  /** Of the protocol. */
  readonly id: string
  /** The longest frame that is read from them. */
  readonly frameBytesMax: number
  /** Streams per peer; further callers wait for their turn. */
  readonly streamsPerPeerMax: number
}

/** The outgoing streams of a protocol, reused one piece of work after the other. */
export interface Lines {
  /**
   * Runs `work` on an idle stream to the peer or on a new one; what fails takes its stream with it.
   * @throws Error when there is no direct connection, the signal aborts, or the stream breaks.
   */
  use<T>(peer: string, signal: AbortSignal, work: (line: Line) => Promise<T>): Promise<T>
  close(): void
}

/**
 * Opens streams over direct connections only, when they are needed. A stream on which something comes while nobody
 * works on it is aborted: it would be held, unread.
 */
export function createLines(node: SwarmNode, options: LinesOptions): Lines {
  const idle = new Map<string, Line[]>()
  const turns = createTurns(options.streamsPerPeerMax)
  const open = new Set<Stream>()

  async function openLine(peer: string, signal: AbortSignal): Promise<Line> {
    const line = await openNewLine(node, peer, options, signal)
    const { stream } = line
    open.add(stream)
    stream.addEventListener('close', () => forget(peer, stream), { once: true })
    stream.addEventListener('message', () => {
      if (idle.get(peer)?.some((one) => one.stream === stream))
        queueMicrotask(() => stream.abort(new Error('an answer to nothing')))
    })
    return line
  }

  function takeIdle(peer: string): Line | undefined {
    const line = idle.get(peer)?.pop()
    return line && { ...line, frames: framesOf(line.stream, options.frameBytesMax) }
  }

  function giveIdle(peer: string, line: Line): void {
    // What has come beyond the answer comes again, and is heard above: nobody would read it.
    line.frames.unwrap()
    idle.set(peer, [...(idle.get(peer) ?? []), line])
  }

  function forget(peer: string, stream: Stream): void {
    open.delete(stream)
    const rest = idle.get(peer)?.filter((other) => other.stream !== stream) ?? []
    if (rest.length > 0) idle.set(peer, rest)
    else idle.delete(peer)
  }

  return {
    async use(peer, signal, work) {
      await turns.take(peer, signal)
      let line: Line | undefined
      try {
        line = takeIdle(peer) ?? (await openLine(peer, signal))
        const result = await work(line)
        if (line.stream.status === 'open') giveIdle(peer, line)
        return result
      } catch (error) {
        line?.stream.abort(asError(error))
        throw error
      } finally {
        turns.give(peer)
      }
    },
    close() {
      for (const stream of open) stream.abort(new Error('the peer stopped'))
      open.clear()
      idle.clear()
    },
  }
}

/**
 * A new stream over the newest direct connection to a peer.
 * @throws Error when there is none, the signal aborts, or the peer does not speak the protocol.
 */
export async function openNewLine(
  node: SwarmNode,
  peer: string,
  { id, frameBytesMax, streamsPerPeerMax }: LinesOptions,
  signal: AbortSignal,
): Promise<Line> {
  const connection = directConnection(node, peer)
  if (connection === undefined) throw new Error(`no direct connection to ${peer}`)
  const stream = await connection.newStream(id, {
    signal,
    runOnLimitedConnection: false,
    maxOutboundStreams: streamsPerPeerMax,
  })
  const isLimited = connection.limits !== undefined
  return { stream, frames: framesOf(stream, frameBytesMax), isLimited }
}

/** How the length of a frame is read. */
export const FRAME_READING = Object.freeze({
  lengthDecoder(bytes: { subarray(): Uint8Array }) {
    const length = lengthOf(bytes.subarray())
    if (length === undefined) throw INCOMPLETE
    return length
  },
})

/**
 * Reads and writes a stream in frames.
 * @param unreadBytesMax what may wait to be read before the stream is aborted; by default one frame.
 */
export function framesOf(
  stream: Stream,
  frameBytesMax: number,
  unreadBytesMax = frameBytesMax + FRAMING_BYTES,
): LengthPrefixedStream<Stream> {
  return lpStream(stream, {
    ...FRAME_READING,
    maxDataLength: frameBytesMax,
    maxBufferSize: unreadBytesMax,
  })
}

/** What `lpStream` understands as "read on". One for all: an error of its own for every byte costs a stack trace each. */
const INCOMPLETE = new RangeError('the length of a frame goes on')

/**
 * The length of a frame, an unsigned varint (multiformats), of the bytes read so far; undefined while it goes on.
 * @throws Error when it is longer than that of any frame.
 */
export function lengthOf(bytes: ArrayLike<number> & Iterable<number>): number | undefined {
  let length = 0
  let unit = 1
  for (const byte of bytes) {
    length += (byte & 0x7f) * unit
    if (byte < 0x80) return length
    unit *= 2 ** 7
  }
  if (bytes.length >= FRAME_LENGTH_BYTES_MAX)
    throw new Error('a frame without an end to its length')
  return undefined
}

/**
 * Aborts a stream that is still being worked on after `ms`: whoever reads it or waits for room in it
 * fails then. Cheaper than a signal, which every read would listen to.
 * @returns what ends the wait.
 */
export function abortAfter(ms: number, stream: Stream): () => void {
  const timer = setTimeout(() => stream.abort(new Error(`no end within ${ms} ms`)), ms)
  return () => clearTimeout(timer)
}

/** Whether there is a direct connection to a peer; a name that is no peer id has none. */
export function isReachable(node: SwarmNode, peer: string): boolean {
  try {
    return directConnection(node, peer) !== undefined
  } catch {
    return false
  }
}

/** Whatever was thrown, as an Error. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
