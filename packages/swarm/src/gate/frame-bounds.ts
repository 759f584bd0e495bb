import {
  CONNECTION_UNSENT_BYTES_MAX,
  MUX_HEADER_BYTES,
  MUX_PINGS,
  MUX_STREAMS,
  STREAM_WINDOW_BYTES_MAX,
} from '../limits.ts'
import { createQuota } from './quota.ts'

/** What of a muxer of @libp2p/yamux (8) reads frames; its types do not name it. */
interface Decoding {
  readonly decoder: {
    readonly buffer: { readonly byteLength: number; subarray(from: number, to: number): Uint8Array }
    /** The next frame, once all of it has come. */
    readFrame(): unknown
  }
}

/** What carries a muxer. */
interface Carrier {
  maxWriteBufferLength?: number
}

/** Makes muxers. */
interface Muxers<Connection> {
  createStreamMuxer(connection: Connection): object
}

/**
 * The same muxers, which end a connection on which a longer frame is begun than anybody may send: the decoder keeps
 * all that comes of one until it is whole, as long as its header says, up to 4 GiB. Their streams have windows of at
 * most STREAM_WINDOW_BYTES_MAX, and nobody sends more than a window at once. So are those ended on which more pings
 * are asked for, each of which is answered, or more streams begun, than anybody needs, and those that nobody reads.
 */
export function boundFrames<Needs, Connection extends Carrier, Made extends Muxers<Connection>>(
  create: (needs: Needs) => Made & Muxers<Connection>,
  nowMs: () => number,
): (needs: Needs) => Made {
  return (needs) => {
    const muxers = create(needs)
    const { createStreamMuxer } = muxers
    return Object.assign(muxers, {
      createStreamMuxer(connection: Connection) {
        connection.maxWriteBufferLength = CONNECTION_UNSENT_BYTES_MAX
        const muxer = createStreamMuxer.call(muxers, connection)
        boundDecoder((muxer as Decoding).decoder, nowMs)
        return muxer
      },
    })
  }
}

function boundDecoder(decoder: Decoding['decoder'], nowMs: () => number): void {
  const { readFrame } = decoder
  const pings = createQuota({ ...MUX_PINGS, namesMax: 1 })
  const streams = createQuota({ ...MUX_STREAMS, namesMax: 1 })
  decoder.readFrame = () => {
    const { isPing, isNew, length } = begun(decoder.buffer)
    if (length > STREAM_WINDOW_BYTES_MAX) throw new Error('a frame that is longer than any')
    const frame = readFrame.call(decoder)
    if (frame === undefined) return frame
    const atMs = nowMs()
    if (isPing && !pings.take('', atMs)) throw new Error('more pings than anybody needs')
    if (isNew && !streams.take('', atMs)) throw new Error('more streams than anybody needs')
    return frame
  }
}

const NOTHING = { isPing: false, isNew: false, length: 0 } as const

/**
 * The frame that comes next, as far as it is known. By yamux's specification ("Framing") the second byte of a header is
 * its type, 0 for data and 2 for a ping; a flag of 1 in the next two begins a stream, or asks for an answer to a ping;
 * the last four are the length of data.
 */
function begun(buffer: Decoding['decoder']['buffer']) {
  if (buffer.byteLength < MUX_HEADER_BYTES) return NOTHING
  const [, type, , flags = 0, ...rest] = buffer.subarray(0, MUX_HEADER_BYTES)
  const isPing = type === 2
  const length = rest.slice(-Uint32Array.BYTES_PER_ELEMENT).reduce((sum, byte) => sum * 256 + byte)
  return { isPing, isNew: !isPing && (flags & 1) === 1, length: type === 0 ? length : 0 }
}
