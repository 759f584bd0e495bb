import { availableParallelism } from 'node:os'
import { basename, resolve } from 'node:path'
import {
  type Grouping,
  groupingText,
  type LayerDtype,
  ModelError,
  type Preprocessing,
  parseGrouping,
  singleRounds,
} from '@layerswarm/model'
import {
  type Evaluation,
  type EvaluationOptions,
  type EvaluationProgress,
  evaluateModels,
  evaluateRounds,
  FASHION_MNIST_DIR,
  type LabelledImages,
  loadDataset,
  sliceImages,
  type TestImages,
} from '@layerswarm/trainer'
import { CliError, usageError } from '../cli-error.ts'
import { fetchData, picturesOf } from '../images/data-options.ts'
import { readSamples } from '../images/samples.ts'
import { duration } from '../terminal/train-display.ts'
import { numberedAs } from './class-numbers.ts'
import { withLayersAs } from './layers-as.ts'
import { type ModelFolder, readModelFolder } from './release-folder.ts'

/** Which test images models are measured on. */
export interface EvaluateSources {
  readonly data: string | undefined
  readonly samples: string | undefined
  /** Where missing files of the data set come from. */
  readonly download: string | undefined
  /** How many of the test images; undefined for all. */
  readonly images: number | undefined
  readonly seeds: number
  /** Groupings as "4+4", each for all layers of every model. */
  readonly rounds: readonly string[]
  /** Kinds of smaller layer files that are measured besides, made here where a model has none of that kind. */
  readonly layerFiles: readonly LayerDtype[]
  /** Stops at pictures that cannot be read instead of leaving them out. */
  readonly strict: boolean
  readonly signal: AbortSignal
  log(line: string): void
  progress(text: string): void
}

interface TestSet {
  readonly size: number
  readonly channels: number
  /** Normalisation for models that do not bring their own. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly images: LabelledImages
}

/** Mean and deviation of the training pixels of Fashion-MNIST, for a pack without a data set. */
const PACK = { channels: 1, mean: [0.286], std: [0.353] }

/** For what is measured before it is signed, on all images of a data set. */
export function sourcesOf(
  given: Pick<EvaluateSources, 'data' | 'signal' | 'log' | 'progress'>,
): EvaluateSources {
  const all = { samples: undefined, download: undefined, images: undefined, strict: false }
  return { ...given, ...all, seeds: 1, rounds: [], layerFiles: [] }
}

/** Evaluates every model on the same images. @throws CliError, ModelError, TrainerError. */
export async function evaluateFolders(
  folders: readonly string[],
  sources: EvaluateSources,
): Promise<Evaluation> {
  const models: ModelFolder[] = []
  for (const folder of folders) {
    const model = withKinds(await readModelFolder(folder), sources.layerFiles)
    models.push(named(model, folder, models))
  }
  const rounds = groupingsOf(models, sources.rounds)
  const testOf = await readTestImages(models, sources)
  const { seeds, signal, progress } = sources
  const options = {
    seeds,
    rounds,
    signal,
    ...machineOptions(progress),
  }
  return evaluateModels(models, testOf, options)
}

/**
 * Measures one model in groupings and, to compare with, one layer after the other.
 * @returns accuracies by grouping, each a mean over the seeds. @throws as `evaluateFolders`.
 */
export async function measureRounds(
  folder: string,
  sources: EvaluateSources,
): Promise<Readonly<Record<string, number>>> {
  const model = await readModelFolder(folder)
  const rounds = groupingsOf(
    [model],
    [groupingText(singleRounds(model.spec.layers)), ...sources.rounds],
  )
  const testOf = await readTestImages([model], sources)
  return evaluateRounds(model, testOf(model), {
    ...{ rounds, seeds: sources.seeds, signal: sources.signal },
    ...machineOptions(sources.progress),
  })
}

/**
 * The test images as each of some models wants them. @throws as `evaluateFolders`.
 */
export async function readTestImages(
  models: readonly ModelFolder[],
  sources: EvaluateSources,
): Promise<(model: ModelFolder) => TestImages> {
  await fetchData(sources)
  const tests = await readTestSets(models, sources)
  return (model) => testImages(model, tests)
}

/** @throws CliError `bad-usage` for what is no grouping of the layers of one of the models. */
export function groupingsOf(
  models: readonly Pick<ModelFolder, 'name' | 'spec'>[],
  texts: readonly string[],
): Grouping[] {
  return [...new Set(texts)].map((text) => {
    let sizes: Grouping = []
    for (const { name, spec } of models) {
      try {
        sizes = parseGrouping(text, spec.layers)
      } catch (error) {
        if (!(error instanceof ModelError)) throw error
        throw usageError(`--rounds: ${error.message} (${name})`)
      }
    }
    return sizes
  })
}

/** With smaller files of the layers of these kinds too. */
function withKinds(model: ModelFolder, wanted: readonly LayerDtype[]): ModelFolder {
  const { spec, parts, layerDtype } = model
  const layerFiles = new Map(model.layerFiles)
  for (const kind of wanted) {
    if (kind === layerDtype || layerFiles.has(kind)) continue
    layerFiles.set(kind, withLayersAs(spec, parts, kind))
  }
  return { ...model, layerFiles }
}

/** Two trainings by one recipe have one name; the second is then told apart by its folder. */
function named(model: ModelFolder, folder: string, others: readonly ModelFolder[]): ModelFolder {
  if (!others.some(({ name }) => name === model.name)) return model
  const place = basename(resolve(folder))
  return { ...model, name: place.startsWith(model.name) ? place : `${model.name} (${place})` }
}

/**
 * The test images for every model, which are the same ones; pictures in folders are prepared as each
 * of them wants them, once for those that agree.
 */
async function readTestSets(
  models: readonly ModelFolder[],
  sources: EvaluateSources,
): Promise<ReadonlyMap<ModelFolder, TestSet>> {
  const tests = new Map<ModelFolder, TestSet>()
  const read = new Map<string, TestSet>()
  for (const model of models) {
    const { spec, preprocessing, labels } = model
    const { imageSize, channels } = spec
    const way = JSON.stringify([imageSize, channels, { ...preprocessing, std: undefined }, labels])
    // Of data that do not fit, nothing else is said.
    const told: string[] = []
    const tell = (line: string) => told.push(line)
    const test =
      read.get(way) ?? firstImages(await readTestSet(sources, model, tell), sources.images)
    read.set(way, test)
    checkFit(model, test)
    for (const line of told) sources.log(line)
    tests.set(model, test)
  }
  return tests
}

async function readTestSet(
  { data, samples, strict, signal, log }: EvaluateSources,
  model: ModelFolder,
  tell: (line: string) => void,
): Promise<TestSet> {
  if (samples !== undefined) {
    const { count, size, pixels, labels } = await readSamples(samples)
    return { ...PACK, size, images: { count, pixels, labels } }
  }
  const pictures = picturesOf(undefined, model, { strict, log })
  const dataset = await loadDataset(data ?? FASHION_MNIST_DIR, { pictures, signal })
  const { imageSize, channels, mean, std, labels, test } = dataset
  return { size: imageSize, channels, mean, std, images: numberedAs(model, labels, test, tell) }
}

function firstImages(test: TestSet, wanted: number | undefined): TestSet {
  if (wanted === undefined || wanted >= test.images.count) return test
  return { ...test, images: sliceImages(test.images, 0, wanted) }
}

function checkFit({ name, spec, labels }: ModelFolder, { size, channels, images }: TestSet): void {
  const refuse = (reason: string): never => {
    throw new CliError({ code: 'refused', what: name }, `${name} ${reason}`)
  }
  if (spec.imageSize !== size || spec.channels !== channels) {
    refuse(
      `sees ${spec.imageSize} pixels in ${spec.channels} channels; the images have ${size} in ${channels}`,
    )
  }
  const unknown = images.labels.find((label) => label >= labels.length)
  if (unknown !== undefined) {
    refuse(`knows ${labels.length} classes; the images have labels up to ${unknown} at least`)
  }
}

function testImages(model: ModelFolder, tests: ReadonlyMap<ModelFolder, TestSet>): TestImages {
  const { spec, preprocessing } = model
  const test = tests.get(model)
  if (test === undefined) throw new Error(`no test images were read for ${model.name}`)
  const own: Preprocessing = preprocessing ?? {
    size: spec.imageSize,
    channels: spec.channels,
    mean: test.mean,
    std: test.std,
    foreground: 'any',
  }
  return { preprocessing: own, images: test.images }
}

/** On all cores of a small machine, four at most. */
export function machineOptions(
  progress: (text: string) => void,
): Pick<EvaluationOptions, 'threads' | 'onProgress'> {
  return { threads: Math.min(4, availableParallelism()), onProgress: progressOf(progress) }
}

/** How far it is, with the time that it will take yet. */
function progressOf(tell: (text: string) => void): (progress: EvaluationProgress) => void {
  let begun = { name: '', ms: performance.now(), done: 0 }
  return ({ name, done, of }) => {
    const nowMs = performance.now()
    // Opening a model takes time of its own: the first batch starts the watch.
    if (name !== begun.name) begun = { name, ms: nowMs, done }
    const msPerBatch = (nowMs - begun.ms) / Math.max(1, done - begun.done)
    const left = done < of ? `, ${duration((msPerBatch * (of - done)) / 1000)} left` : ''
    tell(`${name}: ${done} of ${of} batches${left}`)
  }
}
