import { joinCheckpoint, type ModelSpec, type Preprocessing } from '@layerswarm/model'
import { TrainerError } from './errors.ts'
import type { PartFiles } from './model-file.ts'
import { readModelFile } from './model-file.ts'
import { initialParameters, layoutOf, type ParameterLayout } from './parameters.ts'
import type { RandomStream } from './random.ts'
import { inputName } from './train-graph.ts'

/** A model that a training begins with, instead of fresh weights. */
export interface StartModel {
  readonly spec: ModelSpec
  readonly parts: PartFiles
  /** Its classifier stands in for one: fresh weights are better, however many classes there are. */
  readonly isBackbone: boolean
  /** How it wants its pixels; undefined for what the data says. */
  readonly preprocessing?: Omit<Preprocessing, 'size' | 'channels'> | undefined
}

/** Sizes that must be the same, by where they come from; the classes may differ, and the variant. */
const OF_DATA = ['imageSize', 'channels'] as const
const OF_RECIPE = ['patchSize', 'width', 'layers', 'heads', 'mlpWidth'] as const

/**
 * Makes sure that a training can begin with a model.
 * @throws TrainerError `bad-recipe` naming the first size that differs, and what it is on either side.
 */
export function checkStart(
  recipe: Pick<ModelSpec, (typeof OF_RECIPE)[number]>,
  dataset: Pick<ModelSpec, (typeof OF_DATA)[number]>,
  start: StartModel | undefined,
): void {
  if (start === undefined) return
  const { spec } = start
  const size = OF_DATA.find((name) => dataset[name] !== spec[name])
  if (size !== undefined) {
    const fit = `pictures in folders are fitted with --size ${spec.imageSize}, other data need another model`
    const remedy = size === 'imageSize' ? fit : 'choose another model or other data'
    refuse(size, `${dataset[size]} with this data set, but ${spec[size]}`, remedy)
  }
  const field = OF_RECIPE.find((name) => recipe[name] !== spec[name])
  if (field !== undefined) {
    const remedy = `write ${spec[field]} into the recipe, or begin with another model`
    refuse(field, `${recipe[field]} in the recipe, but ${spec[field]}`, remedy)
  }
}

function refuse(field: string, sizes: string, remedy: string): never {
  throw new TrainerError(
    { code: 'bad-recipe', field },
    `recipe: "${field}" is ${sizes} in the model to begin with; ${remedy}`,
  )
}

/** The spec of a training that begins with a model: the recipe's, with the epsilon of the model. */
export function fineTunedSpec(spec: ModelSpec, start: StartModel | undefined): ModelSpec {
  return start === undefined ? spec : { ...spec, layerNormEps: start.spec.layerNormEps }
}

/**
 * Weights to begin with: those of the model where it has a tensor of this name and shape, fresh
 * ones elsewhere, as for the classifier of other classes or what another variant adds.
 */
export function startParameters(
  layout: ParameterLayout,
  start: StartModel | undefined,
  random: RandomStream,
): Float32Array {
  const parameters = initialParameters(layout, random)
  if (start === undefined) return parameters
  const weights = readModelFile(start.spec, joinCheckpoint(start.spec, start.parts))
  const known = new Map<string, Float32Array>()
  for (const { part, tensors } of layoutOf(start.spec).parts) {
    for (const { name, offset, elements } of tensors) {
      known.set(inputName(part, name), weights.subarray(offset, offset + elements))
    }
  }
  for (const { part, tensors } of layout.parts) {
    for (const { name, offset, elements } of tensors) {
      const values = known.get(inputName(part, name))
      if (start.isBackbone && name.startsWith('classifier.')) continue
      if (values?.length === elements) parameters.set(values, offset)
    }
  }
  return parameters
}
