import { type ModelSpec, type Part, partValues } from '@layerswarm/model'
import {
  type Accuracies,
  evaluateParameters,
  FASHION_MNIST_DIR,
  type LabelledImages,
  layoutOf,
  loadFashionMnist,
} from '@layerswarm/trainer'
import { CliError } from './cli-error.ts'
import { type ModelFolder, readModelFolder } from './release-folder.ts'
import { readSamples } from './samples.ts'

export interface EvaluateSources {
  readonly data: string | undefined
  readonly samples: string | undefined
  readonly seeds: number
}

/** One row of a robustness report; accuracies from 0 to 1. */
export interface EvaluatedRelease extends Accuracies {
  readonly name: string
  readonly variant: string
  readonly parameters: number
}

interface TestImages {
  readonly size: number
  /** Normalisation for models that do not bring their own. */
  readonly mean: number
  readonly std: number
  readonly images: LabelledImages
}

/** Mean and deviation of the training pixels of Fashion-MNIST, for a pack without a data set. */
const PACK = { mean: 0.286, std: 0.353 }

/** Evaluates every model on the same images. @throws CliError, ModelError, TrainerError. */
export async function evaluateFolders(
  folders: readonly string[],
  sources: EvaluateSources,
): Promise<EvaluatedRelease[]> {
  const models: ModelFolder[] = []
  for (const folder of folders) models.push(await readModelFolder(folder))
  const test = await readTestImages(sources)
  const rows: EvaluatedRelease[] = []
  for (const model of models) rows.push(await evaluateModel(model, test, sources.seeds))
  return rows
}

async function readTestImages({ data, samples }: EvaluateSources): Promise<TestImages> {
  if (samples !== undefined) {
    const { count, size, pixels, labels } = await readSamples(samples)
    return { ...PACK, size, images: { count, pixels, labels } }
  }
  const { imageSize, mean, std, test } = await loadFashionMnist(data ?? FASHION_MNIST_DIR)
  return { size: imageSize, mean, std, images: test }
}

async function evaluateModel(
  { name, spec, parts, preprocessing }: ModelFolder,
  test: TestImages,
  seeds: number,
): Promise<EvaluatedRelease> {
  if (spec.imageSize !== test.size || spec.channels !== 1) {
    throw new CliError(
      { code: 'refused', what: name },
      `${name} sees ${spec.imageSize} pixels in ${spec.channels} channels; the images have ${test.size} in 1`,
    )
  }
  const [mean = test.mean] = preprocessing?.mean ?? []
  const [std = test.std] = preprocessing?.std ?? []
  const parameters = flatParameters(spec, parts)
  const dataset = { imageSize: test.size, mean, std }
  const accuracies = await evaluateParameters(spec, parameters, dataset, test.images, { seeds })
  return { name, variant: spec.variant, parameters: parameters.length, ...accuracies }
}

/** All parameters of a model in one vector, laid out as the trainer does. */
function flatParameters(spec: ModelSpec, parts: ReadonlyMap<Part, Uint8Array>): Float32Array {
  const layout = layoutOf(spec)
  const flat = new Float32Array(layout.elements)
  for (const { part, tensors } of layout.parts) {
    const values = partValues(spec, part, parts.get(part) ?? new Uint8Array())
    for (const { name, offset } of tensors) flat.set(values[name] ?? [], offset)
  }
  return flat
}
