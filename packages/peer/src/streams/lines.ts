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

/** Opens streams over direct connections only, when they are needed. */
export function createLines(node: SwarmNode, options: LinesOptions): Lines {
  const idle = new Map<string, Line[]>()
  const turns = createTurns(options.streamsPerPeerMax)
  const open = new Set<Line>()

  async function openLine(peer: string, signal: AbortSignal): Promise<Line> {
    const line = await openNewLine(node, peer, options, signal)
    open.add(line)
    line.stream.addEventListener('close', () => forget(peer, line), { once: true })
    return line
  }

  function forget(peer: string, line: Line): void {
    open.delete(line)
    const rest = idle.get(peer)?.filter((other) => other !== line) ?? []
    if (rest.length > 0) idle.set(peer, rest)
    else idle.delete(peer)
  }

  return {
    async use(peer, signal, work) {
      await turns.take(peer, signal)
      let line: Line | undefined
      try {
        line = idle.get(peer)?.pop() ?? (await openLine(peer, signal))
        const result = await work(line)
        if (line.stream.status === 'open') idle.set(peer, [...(idle.get(peer) ?? []), line])
        return result
      } catch (error) {
        line?.stream.abort(asError(error))
        throw error
      } finally {
        turns.give(peer)
      }
    },
    close() {
      for (const { stream } of open) stream.abort(new Error('the peer stopped'))
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
  lengthDecoder: (bytes: { subarray(): Uint8Array }) => lengthOf(bytes.subarray()),
})

/**
 * Reads and writes a stream in frames.
 * @param unreadBytesMax what may wait to be read before the stream is aborted; by default one frame.
 * @param longest of the frame that is to be read next, where that is less; a longer one is not read.
 */
export function framesOf(
  stream: Stream,
  frameBytesMax: number,
  unreadBytesMax = frameBytesMax + FRAMING_BYTES,
  longest = () => frameBytesMax,
): LengthPrefixedStream<Stream> {
  return lpStream(stream, {
    lengthDecoder(bytes) {
      const length = FRAME_READING.lengthDecoder(bytes)
      if (length > longest()) throw new Error(`a frame of ${length} bytes`)
      return length
    },
    maxDataLength: frameBytesMax,
    maxBufferSize: unreadBytesMax,
  })
}

/** What `lpStream` understands as "read on". One for all: an error of its own for every byte costs a stack trace each. */
const INCOMPLETE = new RangeError('the length of a frame goes on')

/**
 * The length of a frame, an unsigned varint (multiformats), of the bytes read so far.
 * @throws RangeError while it goes on, Error when it is longer than that of any frame.
 */
function lengthOf(bytes: Uint8Array): number {
  let length = 0
  for (const [at, byte] of bytes.entries()) {
    length += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return length
  }
  if (bytes.length >= FRAME_LENGTH_BYTES_MAX)
    throw new Error('a frame without an end to its length')
  throw INCOMPLETE
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
