import { decodeActivation, type EncodedActivation, encodeActivation } from '@layerswarm/model'
import type { PartCompute } from '../compute/part-compute.ts'

/**
 * What a liar hands on instead of a layer's output y of x, each of the right shape and of a plausible size:
 * `mirrored` x − (y − x), in which all such liars agree; `random` x + |y − x| in a direction of its own.
 */
export const COMPUTE_LIES = ['mirrored', 'random'] as const
/** One of COMPUTE_LIES. */
export type ComputeLie = (typeof COMPUTE_LIES)[number]

/**
 * An engine that computes each layer and gives another result, for tests alone. @param random numbers from 0 to 1.
 */
export function lyingCompute(
  honest: PartCompute,
  lie: ComputeLie,
  random: () => number,
): PartCompute {
  const run: PartCompute['run'] = (layer, hop, input, finished) =>
    honest.run(layer, hop, input, (outcome) =>
      finished(
        'activation' in outcome
          ? { ...outcome, activation: falsified(input, outcome.activation, lie, random) }
          : outcome,
      ),
    )
  // All else, read when it is asked for, is the engine's own.
  return Object.assign(Object.create(honest) as PartCompute, { run })
}

function falsified(
  input: EncodedActivation,
  output: EncodedActivation,
  lie: ComputeLie,
  random: () => number,
): EncodedActivation {
  const x = decodeActivation(input).data
  const { shape, data: y } = decodeActivation(output)
  const data = y.map((value, i) => {
    const before = x[i] as number
    const step = value - before
    if (lie === 'mirrored') return before - step
    return before + (random() < 0.5 ? step : -step)
  })
  return encodeActivation({ shape, data }, output.dtype)
}
