import { MUX_HEADER_BYTES, STREAM_WINDOW_BYTES_MAX } from '../limits.ts'

/** What of a muxer of @libp2p/yamux (8) reads frames; its types do not name it. */
interface Decoding {
  readonly decoder: {
    readonly buffer: { readonly byteLength: number; subarray(from: number, to: number): Uint8Array }
    /** The next frame, once all of it has come. */
    readFrame(): unknown
  }
}

/** Makes muxers. */
interface Muxers<Connection> {
  createStreamMuxer(connection: Connection): object
}

/**
 * The same muxers, which end a connection on which a longer frame is begun than anybody may send: the decoder keeps
 * all that comes of one until it is whole, as long as its header says, up to 4 GiB. Their streams have windows of at
 * most STREAM_WINDOW_BYTES_MAX, and nobody sends more than a window at once.
 */
export function boundFrames<Needs, Connection, Made extends Muxers<Connection>>(
  create: (needs: Needs) => Made & Muxers<Connection>,
): (needs: Needs) => Made {
  return (needs) => {
    const muxers = create(needs)
    const { createStreamMuxer } = muxers
    return Object.assign(muxers, {
      createStreamMuxer(connection: Connection) {
        const muxer = createStreamMuxer.call(muxers, connection)
        boundDecoder((muxer as Decoding).decoder)
        return muxer
      },
    })
  }
}

function boundDecoder(decoder: Decoding['decoder']): void {
  const { readFrame } = decoder
  decoder.readFrame = () => {
    if (lengthBegun(decoder.buffer) > STREAM_WINDOW_BYTES_MAX)
      throw new Error('a frame that is longer than any')
    return readFrame.call(decoder)
  }
}

/**
 * Bytes of the data frame that comes next; 0 where that is not known, or is another frame. By yamux's specification
 * ("Framing") the second byte of a header is its type, 0 for data, and the last four are the length.
 */
function lengthBegun(buffer: Decoding['decoder']['buffer']): number {
  if (buffer.byteLength < MUX_HEADER_BYTES) return 0
  const header = buffer.subarray(0, MUX_HEADER_BYTES)
  const [, type] = header
  if (type !== 0) return 0
  const { buffer: bytes, byteOffset, byteLength } = header.slice(-Uint32Array.BYTES_PER_ELEMENT)
  return new DataView(bytes, byteOffset, byteLength).getUint32(0)
}
