/**
 * Weights as small whole numbers with one scale per row, w ≈ scale · q: what is large in one row costs no other its
 * precision. Symmetric, so a zero stays a zero (Jacob et al., arXiv 1712.05877, section 2.1, with zero point 0).
 */

/** How a quantised weight is stored; I4 is packed as ONNX packs it: element 2i in the low four bits of byte i. */
export type QuantizedDtype = 'I8' | 'I4'

/** The least and the largest whole number of each. */
const RANGE = { I8: [-127, 127], I4: [-8, 7] } as const

/**
 * Scales that are tried for a row of I4, as shares of the one that clips nothing: clipping one outlier often leaves less
 * error in all the others. I8 is fine enough without.
 */
const SHARES = { I8: [1], I4: [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6] } as const

/** A quantised matrix (rows, columns). */
export interface QuantizedRows {
  /** Row-major; rows · columns bytes of I8, half of them, rounded up, of I4. */
  readonly data: Uint8Array
  /** One per row; 0 of a row of zeros. */
  readonly scales: Float32Array
}

/** Bytes of so many quantised values. */
export function quantizedBytes(elements: number, dtype: QuantizedDtype): number {
  return dtype === 'I8' ? elements : Math.ceil(elements / 2)
}

/** Quantises a matrix (rows, columns), row-major; of several scales for a row the one with the least squared error. */
export function quantizeRows(
  values: Float32Array,
  rows: number,
  dtype: QuantizedDtype,
): QuantizedRows {
  const columns = values.length / rows
  const whole = new Int8Array(values.length)
  const scales = new Float32Array(rows)
  for (let row = 0; row < rows; row++) {
    const from = values.subarray(row * columns, (row + 1) * columns)
    scales[row] = bestScale(from, dtype)
    for (let i = 0; i < columns; i++) {
      whole[row * columns + i] = rounded(from[i] as number, scales[row] as number, dtype)
    }
  }
  return { data: dtype === 'I8' ? new Uint8Array(whole.buffer) : packed(whole), scales }
}

/** The values of a quantised matrix (rows, columns), row-major. @param columns of each row. */
export function dequantizeRows(
  { data, scales }: QuantizedRows,
  columns: number,
  dtype: QuantizedDtype,
): Float32Array {
  const values = new Float32Array(scales.length * columns)
  for (let i = 0; i < values.length; i++) {
    const whole = dtype === 'I8' ? ((data[i] as number) << 24) >> 24 : nibble(data, i)
    values[i] = whole * (scales[Math.floor(i / columns)] as number)
  }
  return values
}

/** The i-th value of packed ones, −8 … 7. */
function nibble(data: Uint8Array, i: number): number {
  const byte = data[i >> 1] as number
  return (i % 2 === 0 ? byte << 28 : byte << 24) >> 28
}

function bestScale(row: Float32Array, dtype: QuantizedDtype): number {
  const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  // In float32, as it is stored: what is rounded by it is multiplied by it again.
  const unclipped = Math.fround(largest / RANGE[dtype][1])
  let best = unclipped
  let leastError = Number.POSITIVE_INFINITY
  for (const share of SHARES[dtype]) {
    const scale = Math.fround(share * unclipped)
    const error = row.reduce((sum, value) => {
      return sum + (value - scale * rounded(value, scale, dtype)) ** 2
    }, 0)
    if (error >= leastError) continue
    leastError = error
    best = scale
  }
  return best
}

function rounded(value: number, scale: number, dtype: QuantizedDtype): number {
  const [low, high] = RANGE[dtype]
  return scale === 0 ? 0 : Math.min(high, Math.max(low, Math.round(value / scale)))
}

function packed(whole: Int8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(whole.length / 2))
  for (const [i, value] of whole.entries()) {
    bytes[i >> 1] = (bytes[i >> 1] as number) | ((value & 0xf) << (i % 2 === 0 ? 0 : 4))
  }
  return bytes
}
