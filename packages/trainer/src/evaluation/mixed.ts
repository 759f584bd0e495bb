import type { ModelSpec, Variant } from '@layerswarm/model'
import { MIX_PASSES } from '../limits.ts'
import { sameSpec } from '../merge.ts'
import { createRandom } from '../random.ts'
import { type Spread, spreadOf } from './experiments.ts'
import { drawnAmong, type ModelRunner, runOrder } from './model-runner.ts'
import { batchesOf, type Experiment, sweep, type TestImages } from './sweep.ts'
import { createTally } from './tally.ts'

/**
 * Releases of one spec as in a swarm that hosts all of them: every layer of a request is run by one
 * of them at random, stem and head by that of the requester.
 */
export interface MixedEvaluation {
  readonly of: readonly string[]
  readonly variant: Variant
  readonly images: number
  /** Over the passes, `MIX_PASSES` for each of them as requester; 0 … 1. */
  readonly arbitrary: Spread & { readonly orders: number }
}

/** A model that is opened, and the images as it wants them. */
export interface OpenModel {
  readonly runner: ModelRunner
  readonly test: TestImages
}

/** The models that could be mixed: those of one spec together, two of them at least. */
export function mixableSets<M extends { readonly spec: ModelSpec }>(models: readonly M[]): M[][] {
  const sets: M[][] = []
  for (const model of models) {
    const set = sets.find(([first]) => first !== undefined && sameSpec(first.spec, model.spec))
    if (set === undefined) sets.push([model])
    else set.push(model)
  }
  return sets.filter((set) => set.length > 1)
}

/**
 * Accuracy in arbitrary order with every layer of a batch from one of the models at random; of one
 * model alone its own. @param onBatch called after every batch; what it throws ends it.
 */
export async function measureMixed(
  models: readonly OpenModel[],
  onBatch: () => void,
): Promise<Spread & { readonly orders: number }> {
  const runners = models.map(({ runner }) => runner)
  const passes: number[] = []
  let orders = 0
  for (const { runner, test } of models) {
    const mixing = inMixedOrders(runner, runners)
    await sweep(runner, test, [mixing], onBatch)
    passes.push(...mixing.result())
    orders += MIX_PASSES * batchesOf(test.images)
  }
  return { ...spreadOf(passes), orders }
}

/** @returns accuracies, one per pass. */
function inMixedOrders(
  requester: ModelRunner,
  hosts: readonly ModelRunner[],
): Experiment<readonly number[]> {
  const passes = Array.from({ length: MIX_PASSES }, (_, seed) => ({
    random: createRandom(seed, 'evaluation orders'),
    draws: createRandom(seed, 'mixed releases'),
    tally: createTally(),
  }))
  return {
    async run({ tokens, labels }) {
      for (const { random, draws, tally } of passes) {
        const order = random.permutation(requester.spec.layers)
        const mixed = drawnAmong(requester, hosts, draws)
        tally.add(await runOrder(mixed, tokens, order), labels)
      }
    },
    result: () => passes.map(({ tally }) => tally.accuracy()),
  }
}
