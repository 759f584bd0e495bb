import { ModelError } from './errors.ts'
import { decodeHalf, encodeHalf } from './half.ts'
import {
  ACTIVATION_BATCH_MAX,
  ACTIVATION_TOKENS_MAX,
  ACTIVATION_VALUES_MAX,
  ACTIVATION_WIDTH_MAX,
} from './limits.ts'
import { relativeL2, type Tensor } from './tensor.ts'

/** How an activation travels. float16 is the default: half the bytes, a relative error of 6e-4 after 12 hops. */
export const ACTIVATION_DTYPES = ['float32', 'float16', 'int8'] as const

/** One of `ACTIVATION_DTYPES`: how the values of an activation travel. */
export type ActivationDtype = (typeof ACTIVATION_DTYPES)[number]

/** [B, T, C]: images, tokens, width. */
export type ActivationShape = readonly [batch: number, tokens: number, width: number]

/**
 * An activation as bytes, little-endian and row-major. `int8` stores one float32 scale per token,
 * B·T of them, and behind them B·T·C signed bytes; a value is its byte times the scale of its token.
 */
export interface EncodedActivation {
  readonly dtype: ActivationDtype
  readonly shape: ActivationShape
  /** `activationBytes(dtype, shape)` of them. */
  readonly bytes: Uint8Array
}

/** The largest magnitude of an int8 code; −128 is left out so that the codes are symmetric. */
const INT8_CODE_MAX = 127

function fail(message: string): never {
  throw new ModelError({ code: 'bad-activation' }, `activation: ${message}`)
}

/** @throws ModelError `bad-activation` unless `shape` is [B, T, C] inside the limits. */
export function checkActivationShape(shape: readonly number[]): ActivationShape {
  const [batch = 0, tokens = 0, width = 0] = shape
  const bounded =
    isCount(batch, ACTIVATION_BATCH_MAX) &&
    isCount(tokens, ACTIVATION_TOKENS_MAX) &&
    isCount(width, ACTIVATION_WIDTH_MAX) &&
    batch * tokens * width <= ACTIVATION_VALUES_MAX
  if (shape.length !== 3 || !bounded) {
    fail(
      `shape [${shape}] is not [images, tokens, width] within ` +
        `[${ACTIVATION_BATCH_MAX}, ${ACTIVATION_TOKENS_MAX}, ${ACTIVATION_WIDTH_MAX}] ` +
        `and ${ACTIVATION_VALUES_MAX} values`,
    )
  }
  return [batch, tokens, width]
}

function isCount(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max
}

/** Bytes that an activation of this shape takes on the wire. */
export function activationBytes(dtype: ActivationDtype, [batch, tokens, width]: ActivationShape) {
  const rows = batch * tokens
  switch (dtype) {
    case 'float32':
      return rows * width * 4
    case 'float16':
      return rows * width * 2
    case 'int8':
      return rows * (width + 4)
  }
}

/**
 * Encodes an activation (B, T, C). The bytes never share memory with the tensor.
 * @throws ModelError `bad-activation` for a shape beyond the limits, or a value that is not finite
 * or that float16 cannot hold (above 65,504).
 */
export function encodeActivation(tensor: Tensor, dtype: ActivationDtype): EncodedActivation {
  const shape = checkActivationShape(tensor.shape)
  const { data } = tensor
  if (data.length !== shape[0] * shape[1] * shape[2]) {
    fail(`shape [${shape}] does not have ${data.length} values`)
  }
  checkFinite(data)
  return { dtype, shape, bytes: encodeValues(data, dtype, shape[2]) }
}

function encodeValues(data: Float32Array, dtype: ActivationDtype, width: number): Uint8Array {
  switch (dtype) {
    case 'float32':
      return new Uint8Array(data.slice().buffer)
    case 'float16': {
      const halves = encodeHalf(data)
      // By index: for…of over the 150,000 values of a large activation took 1 ms instead of 0.1.
      for (let i = 0; i < halves.length; i++) {
        if (((halves[i] as number) & 0x7c00) === 0x7c00)
          fail('a value is beyond float16; send it as float32')
      }
      return new Uint8Array(halves.buffer)
    }
    case 'int8':
      return encodeInt8(data, width)
  }
}

/** data (rows, width) → rows float32 scales, then rows·width codes. */
function encodeInt8(data: Float32Array, width: number): Uint8Array {
  const rows = data.length / width
  const bytes = new Uint8Array(rows * 4 + data.length)
  const scales = new Float32Array(bytes.buffer, 0, rows)
  const codes = new Int8Array(bytes.buffer, rows * 4)
  for (let row = 0; row < rows; row++) {
    const start = row * width
    let largest = 0
    for (let i = start; i < start + width; i++) {
      largest = Math.max(largest, Math.abs(data[i] as number))
    }
    // Rounded to float32 before use, so that both ends multiply by the same number.
    const scale = Math.fround(largest / INT8_CODE_MAX)
    scales[row] = scale
    if (scale === 0) continue
    for (let i = start; i < start + width; i++) {
      const code = Math.round((data[i] as number) / scale)
      // A scale rounded down lets the largest value reach 128 where the scale is a subnormal.
      codes[i] = Math.max(-INT8_CODE_MAX, Math.min(INT8_CODE_MAX, code))
    }
  }
  return bytes
}

/**
 * Decodes an activation that came from a stranger into a tensor (B, T, C) of its own memory.
 * @throws ModelError `bad-activation` when the shape is beyond the limits, the bytes are not as
 * many as it needs, or a value is not finite.
 */
export function decodeActivation(encoded: EncodedActivation): Tensor {
  const { dtype } = encoded
  const shape = checkActivationShape(encoded.shape)
  if (!ACTIVATION_DTYPES.includes(dtype)) fail(`its dtype is not ${ACTIVATION_DTYPES.join(', ')}`)
  const expected = activationBytes(dtype, shape)
  if (encoded.bytes.length !== expected) {
    fail(`${dtype} of shape [${shape}] needs ${expected} bytes, got ${encoded.bytes.length}`)
  }
  const data = decodeValues(ownBytes(encoded), dtype, shape)
  checkFinite(data)
  return { shape, data }
}

/** Aligned bytes, copied where the tensor would share their memory: it must not change when a buffer is reused. */
function ownBytes({ dtype, bytes }: EncodedActivation): Uint8Array {
  const isAligned = bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0
  // Not by slice(), which on a Node Buffer shares the memory.
  return isAligned && dtype !== 'float32' ? bytes : new Uint8Array(bytes)
}

function decodeValues(
  { buffer, byteOffset, byteLength }: Uint8Array,
  dtype: ActivationDtype,
  [batch, tokens, width]: ActivationShape,
): Float32Array {
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer, byteOffset, byteLength / 4)
    case 'float16':
      return decodeHalf(new Uint16Array(buffer, byteOffset, byteLength / 2))
    case 'int8': {
      const rows = batch * tokens
      const scales = new Float32Array(buffer, byteOffset, rows)
      const codes = new Int8Array(buffer, byteOffset + rows * 4, rows * width)
      const data = new Float32Array(rows * width)
      for (let i = 0; i < data.length; i++) {
        data[i] = (codes[i] as number) * (scales[Math.floor(i / width)] as number)
      }
      return data
    }
  }
}

function checkFinite(data: Float32Array): void {
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) fail(`value ${i} is not finite`)
  }
}

/** Relative L2 error that one trip in this dtype adds to an activation (B, T, C). */
export function wireError(dtype: ActivationDtype, tensor: Tensor): number {
  return relativeL2(decodeActivation(encodeActivation(tensor, dtype)).data, tensor.data)
}
