import { type ModelSpec, tokensOf } from '@layerswarm/model'
import { TrainerError } from './errors.ts'
import { PARAMETERS_MAX, STATE_BYTES_PER_PARAMETER } from './limits.ts'
import type { ParameterLayout } from './parameters.ts'
import type { Recipe } from './recipe.ts'

/**
 * Makes sure that a model can be trained on this machine, before anything of it is allocated.
 * @param memoryBytes what the machine has.
 * @throws TrainerError `bad-recipe` with the parameters and bytes that it takes.
 */
export function checkMemory(
  { layers, width, mlpWidth }: Pick<ModelSpec, 'layers' | 'width' | 'mlpWidth'>,
  { elements }: Pick<ParameterLayout, 'elements'>,
  memoryBytes: number,
): void {
  const bytes = elements * STATE_BYTES_PER_PARAMETER
  if (bytes <= memoryBytes && elements <= PARAMETERS_MAX) return
  const most =
    bytes > memoryBytes
      ? `this machine has ${gigabytes(memoryBytes)}`
      : `${PARAMETERS_MAX} parameters are the most`
  refuse(
    'width',
    `"layers" ${layers}, "width" ${width} and "mlpWidth" ${mlpWidth} make ${elements} parameters, and training them takes ${gigabytes(bytes)} of memory at least; ${most}: lower those fields`,
  )
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}

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
