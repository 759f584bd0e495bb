import { ModelError } from './errors.ts'
import { type ModelSpec, type Part, tokensOf } from './spec.ts'
import { elementsOf, type Tensor } from './tensor.ts'

/** The input shape of a part without its batch: (channels, H, W) for the stem, (T, C) for the others. */
export function inputShapeOf(spec: ModelSpec, part: Part): readonly number[] {
  return part === 'stem'
    ? [spec.channels, spec.imageSize, spec.imageSize]
    : [tokensOf(spec), spec.width]
}

/**
 * What every engine checks before it runs a part. @returns B, the number of images.
 * @throws ModelError `bad-shape` for a wrong input, or for a hop that is not 0 … layers − 1.
 */
export function checkPartInput(spec: ModelSpec, part: Part, input: Tensor, hop: number): number {
  const expected = inputShapeOf(spec, part)
  const [batch = 0, ...shape] = input.shape
  const same =
    shape.length === expected.length && shape.every((size, axis) => size === expected[axis])
  if (!same || !Number.isInteger(batch) || batch < 1) {
    throw new ModelError(
      { code: 'bad-shape', what: 'input' },
      `${partName(part)} takes an input of shape [images, ${expected.join(', ')}], ` +
        `got [${input.shape.join(', ')}]`,
    )
  }
  if (input.data.length !== elementsOf(input.shape)) {
    throw new ModelError(
      { code: 'bad-shape', what: 'input' },
      `an input of shape [${input.shape.join(', ')}] does not have ${input.data.length} values`,
    )
  }
  if (typeof part === 'number' && !(Number.isInteger(hop) && hop >= 0 && hop < spec.layers)) {
    throw new ModelError(
      { code: 'bad-shape', what: 'hop' },
      `hop ${hop} is not from 0 to ${spec.layers - 1}`,
    )
  }
  return batch
}

/** A part in words: "the stem", "the head", "layer 3". */
export function partName(part: Part): string {
  return typeof part === 'number' ? `layer ${part}` : `the ${part}`
}

/** @throws ModelError `not-loaded`, for engines that are asked to run a part they do not have. */
export function throwNotLoaded(part: Part): never {
  throw new ModelError(
    { code: 'not-loaded', part: String(part) },
    `${partName(part)} is not loaded`,
  )
}
