import type { Grouping, LayerDtype, Mix, ModelSpec, Novelty, Variant } from '@layerswarm/model'
import { MERGE_MASKS, PASSES_MIN, SUBSET_DRAWS } from '../limits.ts'
import { drawMask, mergeParts, sameSpec } from '../merge.ts'
import type { PartFiles } from '../model-file.ts'
import { layoutOf } from '../parameters.ts'
import { type EnsembleMeasure, inArbitraryOrders } from './arbitrary-orders.ts'
import {
  inSequence,
  overWire,
  prunedInSequence,
  type Spread,
  spreadOf,
  type WireMeasures,
} from './experiments.ts'
import type { HeatMap } from './heat-map.ts'
import { inRounds } from './in-rounds.ts'
import {
  type LayerFilesEvaluation,
  layerBytesOf,
  type OpenLayerFiles,
  withLayerFiles,
} from './layer-files.ts'
import { type MixedEvaluation, measureMixed, mixableSets, type OpenModel } from './mixed.ts'
import { createModelRunner, withModelRunner } from './model-runner.ts'
import { type ForeignMeasures, measureForeign, measureThresholds } from './novelty.ts'
import { batchesOf, type EvaluationProgress, progressOf, sweep, type TestImages } from './sweep.ts'

/** A model to be measured. */
export interface MeasurableModel {
  readonly name: string
  readonly spec: ModelSpec
  readonly parts: PartFiles
  /** All parts again with smaller files of the layers, by kind; none unless given. */
  readonly layerFiles?: ReadonlyMap<LayerDtype, PartFiles> | undefined
  /** How it was made, as far as that is known. */
  readonly training?: TrainingFacts | undefined
}

/** What a training cost, as far as it is known. */
export interface TrainingFacts {
  /** Training images seen, counting every epoch. */
  readonly images: number
  readonly seed: number
  /** Processor time of the training; unknown for some models. */
  readonly cpuSeconds?: number | undefined
}

/** Accuracies from 0 to 1. */
export interface ModelEvaluation {
  readonly name: string
  readonly variant: Variant
  readonly layers: number
  readonly parameters: number
  readonly training?: TrainingFacts | undefined
  /** Test images. */
  readonly images: number
  /** All layers in their own order. */
  readonly sequential: number
  /** All layers, a fresh order for every batch of at most 100, one pass per seed. */
  readonly arbitrary: Spread & { readonly orders: number; readonly seeds: number }
  /** By the number of layers left: the others, drawn anew for every batch, are skipped. */
  readonly pruned: Readonly<Record<string, PrunedMeasure>>
  /** All layers in rounds, by grouping as "4+4"; those that were asked for. */
  readonly rounds: Readonly<Record<string, Spread>>
  readonly heatMap: HeatMap
  readonly ensembles: readonly EnsembleMeasure[]
  readonly wire: WireMeasures
  /** How well pictures of something else are told from its own. */
  readonly foreign: ForeignMeasures
  /** With smaller files of the layers, where there were any. */
  readonly layerFiles?: LayerFilesEvaluation | undefined
}

/** Accuracies, 0 … 1, with some of the layers left out: mean and deviation between passes. */
export interface PrunedMeasure {
  /** The layers that are left, in random orders. */
  readonly arbitrary: number
  readonly arbitraryStd: number
  /** The layers that are left, in their own order. */
  readonly sequential: number
  readonly sequentialStd: number
}

/** Layers of two trainings of one spec, mixed by several drawn masks. */
export interface MergedEvaluation {
  readonly of: readonly [string, string]
  readonly variant: Variant
  readonly images: number
  readonly masks: number
  readonly sequential: Spread
  readonly arbitrary: Spread & { readonly orders: number }
}

/** What was measured of every model, of every pair that could be merged, and of all that could be mixed. */
export interface Evaluation {
  readonly releases: readonly ModelEvaluation[]
  readonly merged: readonly MergedEvaluation[]
  readonly mixed: readonly MixedEvaluation[]
}

/** How much is measured, and on what. */
export interface EvaluationOptions {
  /** Passes in arbitrary order whose mean and spread are reported. */
  readonly seeds: number
  /** Groupings of all layers that are measured besides. */
  readonly rounds: readonly Grouping[]
  /** Threads of the compute sessions; results do not depend on it. */
  readonly threads: number
  readonly signal: AbortSignal | undefined
  onProgress(progress: EvaluationProgress): void
}

/** Five seeds, as in the reports of trainings, on one thread and without a word. */
export const EVALUATION_DEFAULTS: EvaluationOptions = Object.freeze({
  seeds: 5,
  rounds: [],
  threads: 1,
  signal: undefined,
  onProgress: () => {},
})

/**
 * Measures every model, and every pair of models of one spec merged.
 * @param testOf the images as a model wants them, which must be the same images for all.
 * @throws ModelError for a model that does not fit its spec; the signal's reason.
 */
export async function evaluateModels<M extends MeasurableModel>(
  models: readonly M[],
  testOf: (model: M) => TestImages,
  given: Partial<EvaluationOptions> = {},
): Promise<Evaluation> {
  const options = { ...EVALUATION_DEFAULTS, ...given }
  const releases: ModelEvaluation[] = []
  for (const model of models) releases.push(await evaluateModel(model, testOf(model), options))
  const merged: MergedEvaluation[] = []
  for (const [index, a] of models.entries()) {
    for (const b of models.slice(index + 1)) {
      if (sameSpec(a.spec, b.spec)) merged.push(await evaluateMerged(a, b, testOf(a), options))
    }
  }
  const mixed: MixedEvaluation[] = []
  for (const set of mixableSets(models)) mixed.push(await evaluateMixed(set, testOf, options))
  return { releases, merged, mixed }
}

/**
 * Thresholds of novelty of a model and nothing else, as a manifest has them.
 * @param test held-out images. @throws as `evaluateModels`.
 */
export async function evaluateNovelty(
  { spec, parts }: MeasurableModel,
  test: TestImages,
  given: Partial<EvaluationOptions>,
): Promise<Novelty> {
  const options = { ...EVALUATION_DEFAULTS, ...given }
  return withModelRunner({ spec, parts }, options.threads, (runner) =>
    measureThresholds(runner, test, options.signal),
  )
}

/**
 * Smaller files of the layers of a model and nothing else, as a manifest tells them.
 * @returns undefined for a model without any. @throws as `evaluateModels`.
 */
export async function evaluateLayerFiles(
  { name, spec, parts, layerFiles = new Map() }: MeasurableModel,
  test: TestImages,
  given: Partial<EvaluationOptions>,
): Promise<LayerFilesEvaluation | undefined> {
  const options = { ...EVALUATION_DEFAULTS, ...given }
  if (layerFiles.size === 0) return undefined
  return withModelRunner({ spec, parts }, options.threads, async (own) => {
    const kinds: OpenLayerFiles[] = []
    try {
      for (const [dtype, files] of layerFiles) {
        const runner = await createModelRunner(spec, files, options.threads)
        kinds.push({ dtype, runner, layerBytes: layerBytesOf(spec, files) })
      }
      const experiment = withLayerFiles(own, kinds)
      const title = `${name}, ${[...layerFiles.keys()].join(', ')}`
      await sweep(own, test, [experiment], progressOf(title, test, options))
      return { ...experiment.result(), ownLayerBytes: layerBytesOf(spec, parts) }
    } finally {
      for (const { runner } of kinds) await runner.close()
    }
  })
}

/**
 * Two models of one spec mixed, and each by itself, as the manifest of the first tells it.
 * @returns accuracies in arbitrary order. @throws as `evaluateModels`.
 */
export async function evaluateMix<M extends MeasurableModel>(
  own: M,
  other: M,
  testOf: (model: M) => TestImages,
  given: Partial<EvaluationOptions>,
): Promise<Omit<Mix, 'release'>> {
  const options = { ...EVALUATION_DEFAULTS, ...given }
  const accuracyOf = async (models: readonly M[]): Promise<number> => {
    const { arbitrary } = await evaluateMixed(models, testOf, options)
    return arbitrary.mean
  }
  return {
    accuracy: await accuracyOf([own, other]),
    own: await accuracyOf([own]),
    other: await accuracyOf([other]),
  }
}

/**
 * Measures a model in rounds and nothing else, as a manifest tells it.
 * @returns accuracies by grouping, each a mean over the seeds.
 * @throws as `evaluateModels`.
 */
export async function evaluateRounds(
  { name, spec, parts }: MeasurableModel,
  test: TestImages,
  given: Partial<EvaluationOptions>,
): Promise<Readonly<Record<string, number>>> {
  const options = { ...EVALUATION_DEFAULTS, ...given }
  return withModelRunner({ spec, parts }, options.threads, async (runner) => {
    const rounds = inRounds(runner, options.rounds, options.seeds)
    await sweep(runner, test, [rounds], progressOf(name, test, options))
    return Object.fromEntries(
      Object.entries(rounds.result()).map(([grouping, { mean }]) => [grouping, mean]),
    )
  })
}

async function evaluateModel(
  model: MeasurableModel,
  test: TestImages,
  options: EvaluationOptions,
): Promise<ModelEvaluation> {
  const { name, spec, parts, training } = model
  const layerFiles = await evaluateLayerFiles(model, test, options)
  return withModelRunner({ spec, parts }, options.threads, async (runner) => {
    const sequential = inSequence(runner)
    const orders = inArbitraryOrders(runner, Math.max(PASSES_MIN, options.seeds))
    const pruned = prunedInSequence(runner, SUBSET_DRAWS)
    const rounds = inRounds(runner, options.rounds, options.seeds)
    const wire = overWire(runner)
    const onBatch = progressOf(name, test, options)
    await sweep(runner, test, [sequential, orders, pruned, rounds, wire], onBatch)
    const { passes, heatMap, ensembles, pruned: prunedInAnyOrder } = orders.result()
    const foreign = await measureForeign(runner, test, options.signal)
    const { seeds } = options
    return {
      name,
      variant: spec.variant,
      layers: spec.layers,
      parameters: layoutOf(spec).elements,
      training,
      images: test.images.count,
      sequential: sequential.result(),
      arbitrary: {
        ...spreadOf(passes.slice(0, seeds)),
        orders: seeds * batchesOf(test.images),
        seeds,
      },
      pruned: prunedOf(prunedInAnyOrder, pruned.result()),
      rounds: rounds.result(),
      heatMap,
      ensembles,
      wire: wire.result(),
      foreign,
      layerFiles,
    }
  })
}

function prunedOf(
  arbitrary: readonly Spread[],
  sequential: readonly Spread[],
): Record<string, PrunedMeasure> {
  const entries = arbitrary.map((inAnyOrder, left): [string, PrunedMeasure] => [
    String(left),
    {
      arbitrary: inAnyOrder.mean,
      arbitraryStd: inAnyOrder.std,
      sequential: sequential[left]?.mean ?? 0,
      sequentialStd: sequential[left]?.std ?? 0,
    },
  ])
  return Object.fromEntries(entries)
}

async function evaluateMerged(
  a: MeasurableModel,
  b: MeasurableModel,
  test: TestImages,
  options: EvaluationOptions,
): Promise<MergedEvaluation> {
  const { spec } = a
  const sequential: number[] = []
  const arbitrary: number[] = []
  for (let seed = 0; seed < MERGE_MASKS; seed++) {
    const parts = mergeParts(spec, a.parts, b.parts, drawMask(spec.layers, seed))
    await withModelRunner({ spec, parts }, options.threads, async (runner) => {
      const inOrder = inSequence(runner)
      const inAnyOrder = inArbitraryOrders(runner, 1)
      const name = `${a.name} and ${b.name}, mask ${seed + 1} of ${MERGE_MASKS}`
      await sweep(runner, test, [inOrder, inAnyOrder], progressOf(name, test, options))
      sequential.push(inOrder.result())
      arbitrary.push(...inAnyOrder.result().passes)
    })
  }
  return {
    of: [a.name, b.name],
    variant: spec.variant,
    images: test.images.count,
    masks: MERGE_MASKS,
    sequential: spreadOf(sequential),
    arbitrary: { ...spreadOf(arbitrary), orders: MERGE_MASKS * batchesOf(test.images) },
  }
}

async function evaluateMixed<M extends MeasurableModel>(
  models: readonly M[],
  testOf: (model: M) => TestImages,
  options: EvaluationOptions,
): Promise<MixedEvaluation> {
  const of = models.map(({ name }) => name)
  const opened: OpenModel[] = []
  try {
    for (const model of models) {
      const runner = await createModelRunner(model.spec, model.parts, options.threads)
      opened.push({ runner, test: testOf(model) })
    }
    const [first] = opened
    if (first === undefined) throw new RangeError('a mixture has one model at least')
    const { spec } = first.runner
    const name = of.length === 1 ? of.join() : `${of.join(', ')} mixed`
    const onBatch = progressOf(name, first.test, options, models.length)
    const arbitrary = await measureMixed(opened, onBatch)
    return { of, variant: spec.variant, images: first.test.images.count, arbitrary }
  } finally {
    for (const { runner } of opened) await runner.close()
  }
}
