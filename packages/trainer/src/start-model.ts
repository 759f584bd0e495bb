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

/** Sizes that must be the same; the classes may differ, and the variant. */
const FIXED_FIELDS = [
  'imageSize',
  'patchSize',
  'channels',
  'width',
  'layers',
  'heads',
  'mlpWidth',
] as const

/**
 * The spec of a training that begins with a model: the recipe's, with the epsilon of the model.
 * @throws TrainerError `bad-recipe` naming the first size that differs.
 */
export function fineTunedSpec(spec: ModelSpec, start: StartModel | undefined): ModelSpec {
  if (start === undefined) return spec
  const field = FIXED_FIELDS.find((name) => spec[name] !== start.spec[name])
  if (field === undefined) return { ...spec, layerNormEps: start.spec.layerNormEps }
  throw new TrainerError(
    { code: 'bad-recipe', field },
    `recipe: "${field}" is ${spec[field]} with this data set, but ${start.spec[field]} in the model to begin with`,
  )
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
