import { createHash } from 'node:crypto'
import { layersOf } from '@layerswarm/model'
import { createCpuEngine } from '../engine/cpu-engine.ts'
import type { MenderTraining } from '../mender.ts'
import { inArbitraryOrders } from './arbitrary-orders.ts'
import { type CoreAccuracies, coreBytes, coreParts, withCores } from './cores.ts'
import type { MeasurableModel, TrainingFacts } from './evaluate-models.ts'
import { type Spread, spreadOf } from './experiments.ts'
import {
  gatherAnswers,
  type MendedAccuracies,
  type MenderView,
  trainMenders,
  withMenders,
} from './mended.ts'
import { withModelRunner } from './model-runner.ts'
import { type EvaluationProgress, progressOf, sweep, type TestImages } from './sweep.ts'

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

/** What was measured of some models, accuracies from 0 to 1. */
interface Measured {
  readonly testImages: number
  readonly passes: number
}

/** Models by the number of layers that have weights of their own; the first is compared with. */
export interface SharedWork extends Measured {
  readonly layers: number
  readonly models: readonly (SharedMeasure & { readonly training?: TrainingFacts | undefined })[]
}

/** A model with layers left out, as it is and mended. */
export interface MendedWork extends Measured, MendedAccuracies {
  readonly name: string
  readonly layers: number
  /** Training images whose answers the menders learnt from, and the seed of their training. */
  readonly images: number
  readonly seed: number
  /** Processor time of the answers and of all menders. */
  readonly cpuSeconds: number
  /** Values of each mender. */
  readonly parameters: ReadonlyMap<MenderView, number>
}

/** Models whole and as their cores; the first is compared with. */
export interface CoreWork extends Measured {
  readonly rank: number
  /** Of the values of one layer, float32. */
  readonly bytes: { readonly whole: number; readonly core: number }
  readonly models: readonly (CoreAccuracies & {
    readonly name: string
    readonly training?: TrainingFacts | undefined
  })[]
}

/**
 * Measures models whose layers share their weights, with layers left out.
 * @param models of as many layers each. @throws ModelError for one that does not fit its spec.
 */
export async function measureShared(
  models: readonly MeasurableModel[],
  test: TestImages,
  given: Partial<RelatedOptions> = {},
): Promise<SharedWork> {
  const options = { ...RELATED_DEFAULTS, ...given }
  const measured: SharedWork['models'][number][] = []
  for (const model of models) {
    measured.push({ ...(await sharedMeasure(model, test, options)), training: model.training })
  }
  return {
    ...{ testImages: test.images.count, passes: options.passes },
    ...{ layers: models[0]?.spec.layers ?? 0, models: measured },
  }
}

async function sharedMeasure(
  model: MeasurableModel,
  test: TestImages,
  options: RelatedOptions,
): Promise<SharedMeasure> {
  const { name, spec, parts } = model
  const files = layersOf(spec).map((layer) => parts.get(layer) ?? new Uint8Array())
  const hashes = files.map((file) => createHash('sha256').update(file).digest('hex'))
  return withModelRunner(model, options.threads, async (runner) => {
    const orders = inArbitraryOrders(runner, options.passes)
    await sweep(runner, test, [orders], progressOf(name, test, options))
    const { passes, pruned } = orders.result()
    return {
      ...{ name, distinct: new Set(hashes).size },
      ...{ layerBytes: files[0]?.length ?? 0, all: spreadOf(passes), left: pruned },
    }
  })
}

/** Measures models with all layers whole, as cores, and drawn. @throws as `measureShared`. */
export async function measureCores(
  models: readonly MeasurableModel[],
  rank: number,
  test: TestImages,
  given: Partial<RelatedOptions> = {},
): Promise<CoreWork> {
  const options = { ...RELATED_DEFAULTS, ...given }
  const measured: CoreWork['models'][number][] = []
  for (const model of models) {
    const { name, spec, parts, training } = model
    const reduced = { ...model, parts: coreParts(spec, parts, rank) }
    const accuracies = await withModelRunner(model, options.threads, (whole) =>
      withModelRunner(reduced, options.threads, async (core) => {
        const experiment = withCores(whole, core, options.passes)
        await sweep(whole, test, [experiment], progressOf(`${name}, cores`, test, options))
        return experiment.result()
      }),
    )
    measured.push({ name, training, ...accuracies })
  }
  const [first] = models
  if (first === undefined) throw new RangeError('cores are those of one model at least')
  return {
    ...{ testImages: test.images.count, passes: options.passes, rank },
    ...{ bytes: coreBytes(first.spec, rank), models: measured },
  }
}

/**
 * Trains menders for a model and measures it with them, layers left out.
 * @param train images that the menders learn from; the model may have seen them.
 * @throws as `measureShared`.
 */
export async function measureMending(
  model: MeasurableModel,
  train: TestImages,
  test: TestImages,
  given: Partial<RelatedOptions> = {},
): Promise<MendedWork> {
  const options = { ...RELATED_DEFAULTS, ...given }
  const { name, spec } = model
  const { mender, passes, threads } = options
  return withModelRunner(model, options.threads, async (runner) => {
    const before = process.cpuUsage()
    const gathered = gatherAnswers(runner, mender.seed)
    await sweep(runner, train, [gathered], progressOf(`${name}, to mend`, train, options))
    const engine = createCpuEngine(threads)
    const menders = await trainMenders(engine, gathered.result(), mender)
    await engine.close()
    const { user, system } = process.cpuUsage(before)
    const experiment = withMenders(runner, menders, passes)
    await sweep(runner, test, [experiment], progressOf(`${name}, mended`, test, options))
    return {
      ...{ name, layers: spec.layers, testImages: test.images.count, passes },
      ...{ images: train.images.count, seed: mender.seed, cpuSeconds: (user + system) / 1e6 },
      ...experiment.result(),
      parameters: new Map([...menders].map(([view, { weights }]) => [view, weights.length])),
    }
  })
}
