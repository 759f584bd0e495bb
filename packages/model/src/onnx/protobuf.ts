import { ModelError } from '../errors.ts'
import { GRAPH_BYTES_MAX } from '../limits.ts'
import { utf8Encode } from '../text.ts'

/** Wire types of protobuf (protobuf.dev/programming-guides/encoding). */
const VARINT = 0
const LENGTH_DELIMITED = 2
const FIXED32 = 5

/** Appends fields of one protobuf message to a growing buffer. */
export interface MessageWriter {
  /** A varint field; negative numbers take ten bytes, as int64 does. */
  integer(field: number, value: number): void
  float(field: number, value: number): void
  bytes(field: number, value: Uint8Array): void
  text(field: number, value: string): void
  /** A nested message; its bytes are copied, later changes of `value` have no effect. */
  message(field: number, value: MessageWriter): void
  /** A view of what was written so far. */
  view(): Uint8Array
}

/** @throws ModelError `bad-shape` once the message would exceed `GRAPH_BYTES_MAX`. */
export function createMessageWriter(): MessageWriter {
  let buffer = new Uint8Array(64)
  let length = 0

  /** Makes room for `more` bytes and returns where they start. */
  function grow(more: number): number {
    const start = length
    length += more
    if (length > GRAPH_BYTES_MAX) {
      throw new ModelError(
        { code: 'bad-shape', what: 'graph' },
        `an ONNX graph may take ${GRAPH_BYTES_MAX} bytes at most`,
      )
    }
    if (length > buffer.length) {
      const larger = new Uint8Array(Math.max(length, buffer.length * 2))
      larger.set(buffer.subarray(0, start))
      buffer = larger
    }
    return start
  }

  function varint(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value))
    for (;;) {
      const at = grow(1) // grow() may replace the buffer, so it comes first
      const last = rest < 128n
      buffer[at] = last ? Number(rest) : Number(rest & 127n) | 128
      if (last) return
      rest >>= 7n
    }
  }

  function bytes(field: number, value: Uint8Array): void {
    varint((field << 3) | LENGTH_DELIMITED)
    varint(value.length)
    const start = grow(value.length)
    buffer.set(value, start)
  }

  return {
    integer(field, value) {
      varint((field << 3) | VARINT)
      varint(value)
    },
    float(field, value) {
      varint((field << 3) | FIXED32)
      const start = grow(4)
      new DataView(buffer.buffer).setFloat32(start, value, true)
    },
    bytes,
    text: (field, value) => bytes(field, utf8Encode(value)),
    message: (field, value) => bytes(field, value.view()),
    view: () => buffer.subarray(0, length),
  }
}
