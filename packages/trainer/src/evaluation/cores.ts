import { joinCheckpoint, layersOf, type ModelSpec, splitCheckpoint } from '@layerswarm/model'
import { coreSize, createCores } from '../low-rank-core.ts'
import { modelFile, type PartFiles, readModelFile } from '../model-file.ts'
import { layoutOf } from '../parameters.ts'
import { createRandom } from '../random.ts'
import { type Spread, spreadOf } from './experiments.ts'
import { drawnAmong, type ModelRunner, runOrder } from './model-runner.ts'
import type { Experiment } from './sweep.ts'
import { createTally } from './tally.ts'

/** The same model with every layer reduced to its core. */
export function coreParts(spec: ModelSpec, parts: PartFiles, rank: number): PartFiles {
  const layout = layoutOf(spec)
  const weights = readModelFile(spec, joinCheckpoint(spec, parts))
  const cores = createCores(layout, rank, weights)
  cores.take(layersOf(spec))
  return splitCheckpoint(modelFile(layout, cores.parameters), spec)
}

/** Bytes of a layer's values in float32, and of its core's. */
export function coreBytes(spec: ModelSpec, rank: number): { whole: number; core: number } {
  const { whole, core } = coreSize(layoutOf(spec), rank)
  return { whole: whole * 4, core: core * 4 }
}

/** Accuracies in arbitrary order. */
export interface CoreAccuracies {
  /** All layers whole. */
  readonly whole: Spread
  /** All layers as their cores. */
  readonly core: Spread
  /** Each layer the one or the other, drawn anew for every batch. */
  readonly mixed: Spread
}

/** Measures a model whose hosts serve layers or cores of them; the same orders for all figures. */
export function withCores(
  whole: ModelRunner,
  core: ModelRunner,
  passes: number,
): Experiment<CoreAccuracies> {
  const all = Array.from({ length: passes }, (_, seed) => ({
    orders: createRandom(seed, 'evaluation orders'),
    draws: createRandom(seed, 'whole or core'),
    tallies: { whole: createTally(), core: createTally(), mixed: createTally() },
  }))
  const spread = (kind: keyof CoreAccuracies): Spread =>
    spreadOf(all.map(({ tallies }) => tallies[kind].accuracy()))
  return {
    async run({ tokens, labels }) {
      for (const { orders, draws, tallies } of all) {
        const order = orders.permutation(whole.spec.layers)
        tallies.whole.add(await runOrder(whole, tokens, order), labels)
        tallies.core.add(await runOrder(core, tokens, order), labels)
        const mixed = drawnAmong(whole, [whole, core], draws)
        tallies.mixed.add(await runOrder(mixed, tokens, order), labels)
      }
    },
    result: () => ({ whole: spread('whole'), core: spread('core'), mixed: spread('mixed') }),
  }
}
