import { type ModelSpec, tokensOf } from '@layerswarm/model'
import { type NamedTensors, zeroTensor } from './engine/train-engine.ts'
import { layoutOf } from './parameters.ts'
import { createRandom } from './random.ts'
import { type Recipe, stepsOf } from './recipe.ts'
import { gradientName, inputName } from './train-graph.ts'

const POSITIONS = 'embeddings.position_embeddings'

/**
 * Picks some patches and their position embeddings: a pass over them is that of a smaller image
 * (patch dropout, arXiv 2208.07220).
 */
export interface PatchSelection {
  /** The smaller graph's inputs. */
  select(patches: Float32Array, kept: ArrayLike<number>): NamedTensors
  readonly fetches: NamedTensors
  /** Puts the gradients of the picked position embeddings in their places, zero elsewhere. */
  scatter(kept: ArrayLike<number>): void
}

/**
 * @param smaller the spec with an image that has as many patches as are kept.
 * @throws TypeError when the model has no position embeddings to pick from.
 */
export function createPatchSelection(
  spec: ModelSpec,
  smaller: ModelSpec,
  batch: number,
  parameters: Float32Array,
  gradients: Float32Array,
): PatchSelection {
  const { width } = spec
  const all = tokensOf(spec) - 1
  const pixels = spec.channels * spec.patchSize ** 2
  const picked = zeroTensor([batch * (tokensOf(smaller) - 1), pixels])
  const shape = [1, tokensOf(smaller), width]
  const [embeddings, slopes] = [zeroTensor(shape), zeroTensor(shape)]
  const stem = layoutOf(spec).parts.find(({ part }) => part === 'stem')
  const own = stem?.tensors.find(({ name }) => name === POSITIONS)
  if (own === undefined) throw new TypeError('the stem has no position embeddings')
  const view = (flat: Float32Array): Float32Array =>
    flat.subarray(own.offset, own.offset + own.elements)
  const [from, to] = [view(parameters), view(gradients)]
  return {
    select(patches, kept) {
      for (let image = 0; image < batch; image++) {
        for (let i = 0; i < kept.length; i++) {
          const at = (image * all + (kept[i] as number)) * pixels
          picked.data.set(patches.subarray(at, at + pixels), (image * kept.length + i) * pixels)
        }
      }
      embeddings.data.set(from.subarray(0, width))
      for (let i = 0; i < kept.length; i++) {
        const at = (1 + (kept[i] as number)) * width
        embeddings.data.set(from.subarray(at, at + width), (1 + i) * width)
      }
      return { patches: picked, [inputName('stem', POSITIONS)]: embeddings }
    },
    fetches: { [gradientName('stem', POSITIONS)]: slopes },
    scatter(kept) {
      to.fill(0)
      to.set(slopes.data.subarray(0, width))
      for (let i = 0; i < kept.length; i++) {
        to.set(
          slopes.data.subarray((1 + i) * width, (2 + i) * width),
          (1 + (kept[i] as number)) * width,
        )
      }
    },
  }
}

/**
 * The patches of one step, drawn from the seed and the step alone, in reading order; none where
 * all are kept.
 */
export function keptPatchesOf(recipe: Recipe, spec: ModelSpec, step: number): ArrayLike<number> {
  if (step > recipe.keptPatchesUntil * stepsOf(recipe)) return []
  const random = createRandom(recipe.seed, `patches ${step}`)
  return random
    .permutation(tokensOf(spec) - 1)
    .subarray(0, recipe.keptPatches)
    .sort()
}
