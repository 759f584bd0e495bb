import { layersOf, type ModelSpec } from '@layerswarm/model'
import type { RandomStream } from './random.ts'

/** Probability with which `layerdrop` skips a layer in a step (LayerShuffle, arXiv 2407.04513). */
export const LAYER_DROP = 0.2

/**
 * Draws the layers of one training step in the order in which they are applied: a permutation of
 * all, all in sequence, or in sequence without the dropped ones.
 */
export function drawOrder(spec: ModelSpec, random: RandomStream): ArrayLike<number> {
  const all = layersOf(spec)
  if (spec.variant === 'sequential') return all
  if (spec.variant === 'layerdrop') return all.filter(() => random.next() >= LAYER_DROP)
  return random.permutation(spec.layers)
}
