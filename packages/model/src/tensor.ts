import { ModelError } from './errors.ts'

/** A dense row-major float32 tensor. */
export interface Tensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** Number of elements of a shape; 1 for the empty shape. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/**
 * Makes a tensor after checking that `data` has as many elements as `shape` says.
 * @throws ModelError `bad-shape` when it has not.
 */
export function tensor(shape: readonly number[], data: Float32Array): Tensor {
  if (data.length !== elementsOf(shape)) {
    throw new ModelError(
      { code: 'bad-shape', what: 'tensor' },
      `a tensor of shape [${shape}] needs ${elementsOf(shape)} values, got ${data.length}`,
    )
  }
  return { shape, data }
}

/** Relative L2 distance ‖a − b‖ / ‖b‖ of two equally long vectors. */
export function relativeL2(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let difference = 0
  let norm = 0
  for (let i = 0; i < b.length; i++) {
    const x = a[i] as number
    const y = b[i] as number
    difference += (x - y) * (x - y)
    norm += y * y
  }
  return Math.sqrt(difference) / (Math.sqrt(norm) || 1)
}
