import { layersOf, type ModelSpec } from '@layerswarm/model'
import { CORE_SHARE } from './limits.ts'
import type { RandomStream } from './random.ts'
import type { Recipe } from './recipe.ts'

/** Probability with which `layerdrop` skips a layer in a step (LayerShuffle, arXiv 2407.04513). */
export const LAYER_DROP = 0.2

/** The layers of one pass. */
export interface LayerPlan {
  /**
   * In the order in which they are applied; those that are left out are skipped. Layers that share
   * their weights go by the first that has them, so that it stands here more than once.
   */
  readonly order: ArrayLike<number>
  /**
   * Sizes of the rounds into which the order is cut. The layers of a round run on the same input x
   * and their updates are summed, x + Σ (f(x) − x); rounds of one layer are the usual sequence.
   */
  readonly rounds: readonly number[]
  /** Layers that run as their cores alone. */
  readonly cores: readonly number[]
}

/**
 * Draws the layers of one pass in training: a permutation of all, all in sequence, or in sequence
 * without the dropped ones; then what the recipe leaves out, how it cuts the rest into rounds, and
 * of which layers only the cores run.
 */
export function drawPlan(
  spec: ModelSpec,
  recipe: Pick<Recipe, 'dropLayers' | 'rounds' | 'distinctLayers' | 'coreRank'>,
  random: RandomStream,
): LayerPlan {
  const { dropLayers, rounds, distinctLayers, coreRank } = recipe
  const drawn = drawOrder(spec, random)
  const kept = dropLayers === 0 ? drawn : drawn.slice(random.below(dropLayers + 1))
  const size = (rounds.length > 1 ? rounds[random.below(rounds.length)] : rounds[0]) ?? 1
  const order =
    distinctLayers < spec.layers ? Array.from(kept, (layer) => layer % distinctLayers) : kept
  const cores = coreRank === 0 ? [] : [...new Set(order)].filter(() => random.next() < CORE_SHARE)
  return { order, rounds: cutIntoRounds(order.length, size), cores }
}

/** A permutation of all layers, all in sequence, or in sequence without the dropped ones. */
export function drawOrder(spec: ModelSpec, random: RandomStream): Uint32Array | readonly number[] {
  const all = layersOf(spec)
  if (spec.variant === 'sequential') return all
  if (spec.variant === 'layerdrop') return all.filter(() => random.next() >= LAYER_DROP)
  return random.permutation(spec.layers)
}

/** Rounds of one size, the last one of what is left: 7 layers by 4 are [4, 3]. */
export function cutIntoRounds(layers: number, size: number): number[] {
  return Array.from({ length: Math.ceil(layers / size) }, (_, round) =>
    Math.min(size, layers - round * size),
  )
}
