import { type ModelSpec, tokensOf } from '@layerswarm/model'
import { TrainerError } from './errors.ts'
import type { Recipe } from './recipe.ts'

/**
 * Makes sure that batches of a recipe can be drawn from the data.
 * @param images training images that are drawn from.
 * @throws TrainerError `bad-recipe` naming the field.
 */
export function checkBatches(
  { batch, keptPatches }: Pick<Recipe, 'batch' | 'keptPatches'>,
  spec: ModelSpec,
  images: number,
): void {
  if (batch > images) {
    refuse('batch', `"batch" is ${batch}, but there are only ${images} training images`)
  }
  const patches = tokensOf(spec) - 1
  if (keptPatches > patches) {
    refuse(
      'keptPatches',
      `"keptPatches" is ${keptPatches}, but an image has only ${patches} patches`,
    )
  }
}

function refuse(field: string, reason: string): never {
  throw new TrainerError({ code: 'bad-recipe', field }, `recipe: ${reason}`)
}
