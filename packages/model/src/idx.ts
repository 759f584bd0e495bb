import { ModelError } from './errors.ts'
import { IDX_BYTES_MAX, TENSOR_RANK_DIMENSIONS_MAX } from './limits.ts'

/** An array of unsigned bytes: images (N, H, W) or labels (N), row-major. */
export interface IdxArray {
  readonly shape: number[]
  /** A view into the parsed bytes. */
  readonly data: Uint8Array
}

const UNSIGNED_BYTE = 0x08

function fail(message: string): never {
  throw new ModelError({ code: 'bad-idx' }, `idx file: ${message}`)
}

/**
 * Reads an unpacked idx file of unsigned bytes, the format of MNIST and its successors:
 * two zero bytes, the type, the rank, then one big-endian uint32 per dimension, then the data.
 * Source: http://yann.lecun.com/exdb/mnist. @throws ModelError `bad-idx`.
 */
export function parseIdx(bytes: Uint8Array): IdxArray {
  if (bytes.length < 4) fail(`${bytes.length} bytes are too few for a header`)
  if (bytes.length > IDX_BYTES_MAX) fail(`${bytes.length} bytes are more than ${IDX_BYTES_MAX}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint16(0) === 0x1f8b) fail('it is compressed; unpack it with gunzip first')
  if (view.getUint16(0) !== 0) fail('it does not start with two zero bytes')
  const type = view.getUint8(2)
  if (type !== UNSIGNED_BYTE) {
    fail(`type 0x${type.toString(16).padStart(2, '0')} is not 0x08 (unsigned bytes)`)
  }
  const rank = view.getUint8(3)
  if (rank < 1 || rank > TENSOR_RANK_DIMENSIONS_MAX) {
    fail(`it has ${rank} dimensions, not 1 to ${TENSOR_RANK_DIMENSIONS_MAX}`)
  }
  const start = 4 + 4 * rank
  if (bytes.length < start) fail(`it ends inside its header of ${start} bytes`)
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  const expected = shape.reduce((product, size) => product * size, 1)
  if (bytes.length - start !== expected) {
    fail(`shape [${shape}] needs ${expected} bytes of data, got ${bytes.length - start}`)
  }
  return { shape, data: bytes.subarray(start) }
}
