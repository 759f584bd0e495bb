import { createHash } from 'node:crypto'
import { layersOf } from '@layerswarm/model'
import { createCpuEngine } from '../engine/cpu-engine.ts'
import type { MenderTraining } from '../mender.ts'
import { inArbitraryOrders } from './arbitrary-orders.ts'
import { type CoreAccuracies, coreBytes, coreParts, withCores } from './cores.ts'
import type { EvaluationProgress, MeasurableModel, TrainingFacts } from './evaluate-models.ts'
import { type Spread, spreadOf } from './experiments.ts'
import {
  gatherAnswers,
  type MendedAccuracies,
  type MenderView,
  trainMenders,
  withMenders,
} from './mended.ts'
import { createModelRunner, type ModelRunner } from './model-runner.ts'
import { batchesOf, sweep, type TestImages } from './sweep.ts'

/** What is compared: ideas beside LayerShuffle, and a plainly shuffled model of the same budget. */
export interface RelatedModels {
  readonly plain: MeasurableModel
  /** Trained with fewer layers than places. */
  readonly shared: readonly MeasurableModel[]
  /** Trained so that its layers have cores of `coreRank`. */
  readonly cored: MeasurableModel
  readonly coreRank: number
}

/** How much is measured. */
export interface RelatedOptions {
  /** Passes over the test images, each with orders of its own. */
  readonly passes: number
  readonly mender: MenderTraining
  /** Threads of the compute sessions; results do not depend on it. */
  readonly threads: number
  onProgress(progress: EvaluationProgress): void
}

/** One pass, of an order for every batch, and menders that see each answer three times. */
export const RELATED_DEFAULTS: RelatedOptions = Object.freeze({
  passes: 1,
  mender: { batch: 256, epochs: 3, learningRate: 2e-3, seed: 1 },
  threads: 1,
  onProgress: () => {},
})

/** A model by the layers that are left. */
export interface SharedMeasure {
  readonly name: string
  /** Layers with weights of their own. */
  readonly distinct: number
  /** Of one layer's file. */
  readonly layerBytes: number
  /** All layers, arbitrary order. */
  readonly all: Spread
  /** By the number of layers left, 0 … layers − 1. */
  readonly left: readonly Spread[]
}

/** All of it, accuracies from 0 to 1. */
export interface RelatedWork {
  readonly testImages: number
  readonly passes: number
  readonly layers: number
  readonly trainings: readonly { readonly name: string; readonly training?: TrainingFacts }[]
  readonly shared: readonly SharedMeasure[]
  readonly mending: MendedAccuracies & {
    readonly name: string
    /** Training images whose answers the menders learnt from, and the seed of their training. */
    readonly images: number
    readonly seed: number
    /** Values of each mender. */
    readonly parameters: ReadonlyMap<MenderView, number>
  }
  readonly cores: {
    readonly rank: number
    /** Of the values of one layer, float32. */
    readonly bytes: { readonly whole: number; readonly core: number }
    readonly models: readonly ({ readonly name: string } & CoreAccuracies)[]
  }
}

/**
 * Measures layers that are shared, menders and low-rank cores.
 * @param train images that the menders learn from; the models have seen them.
 * @throws ModelError for a model that does not fit its spec.
 */
export async function measureRelatedWork(
  models: RelatedModels,
  train: TestImages,
  test: TestImages,
  given: Partial<RelatedOptions> = {},
): Promise<RelatedWork> {
  const options = { ...RELATED_DEFAULTS, ...given }
  const { plain, shared, cored, coreRank } = models
  const all = [plain, ...shared, cored]
  const measuredShared: SharedMeasure[] = []
  for (const model of [plain, ...shared]) {
    measuredShared.push(await measureShared(model, test, options))
  }
  const measuredCores: ({ name: string } & CoreAccuracies)[] = []
  for (const model of [plain, cored]) {
    measuredCores.push({
      name: model.name,
      ...(await measureCores(model, coreRank, test, options)),
    })
  }
  return {
    testImages: test.images.count,
    passes: options.passes,
    layers: plain.spec.layers,
    trainings: all.map(({ name, training }) => (training ? { name, training } : { name })),
    shared: measuredShared,
    mending: await measureMending(plain, train, test, options),
    cores: { rank: coreRank, bytes: coreBytes(plain.spec, coreRank), models: measuredCores },
  }
}

async function measureShared(
  model: MeasurableModel,
  test: TestImages,
  options: RelatedOptions,
): Promise<SharedMeasure> {
  const { name, spec, parts } = model
  const files = layersOf(spec).map((layer) => parts.get(layer) ?? new Uint8Array())
  const hashes = files.map((file) => createHash('sha256').update(file).digest('hex'))
  return withRunner(model, options, async (runner) => {
    const orders = inArbitraryOrders(runner, options.passes)
    await sweep(runner, test, [orders], progressOf(name, test, options))
    const { passes, pruned } = orders.result()
    return {
      ...{ name, distinct: new Set(hashes).size },
      ...{ layerBytes: files[0]?.length ?? 0, all: spreadOf(passes), left: pruned },
    }
  })
}

async function measureCores(
  model: MeasurableModel,
  rank: number,
  test: TestImages,
  options: RelatedOptions,
): Promise<CoreAccuracies> {
  const { name, spec, parts } = model
  const reduced = { ...model, parts: coreParts(spec, parts, rank) }
  return withRunner(model, options, (whole) =>
    withRunner(reduced, options, async (core) => {
      const experiment = withCores(whole, core, options.passes)
      await sweep(whole, test, [experiment], progressOf(`${name}, cores`, test, options))
      return experiment.result()
    }),
  )
}

async function measureMending(
  model: MeasurableModel,
  train: TestImages,
  test: TestImages,
  options: RelatedOptions,
): Promise<RelatedWork['mending']> {
  const { name } = model
  const { mender, passes, threads } = options
  return withRunner(model, options, async (runner) => {
    const gathered = gatherAnswers(runner, mender.seed)
    await sweep(runner, train, [gathered], progressOf(`${name}, to mend`, train, options))
    const engine = createCpuEngine(threads)
    const menders = await trainMenders(engine, gathered.result(), mender)
    await engine.close()
    const experiment = withMenders(runner, menders, passes)
    await sweep(runner, test, [experiment], progressOf(`${name}, mended`, test, options))
    return {
      ...{ name, images: train.images.count, seed: mender.seed },
      ...experiment.result(),
      parameters: new Map([...menders].map(([view, { weights }]) => [view, weights.length])),
    }
  })
}

async function withRunner<R>(
  { spec, parts }: MeasurableModel,
  { threads }: RelatedOptions,
  use: (runner: ModelRunner) => Promise<R>,
): Promise<R> {
  const runner = await createModelRunner(spec, parts, threads)
  try {
    return await use(runner)
  } finally {
    await runner.close()
  }
}

function progressOf(
  name: string,
  { images }: TestImages,
  { onProgress }: RelatedOptions,
): () => void {
  let done = 0
  return () => {
    done += 1
    onProgress({ name, done, of: batchesOf(images) })
  }
}
