import { layersOf, softmax, type Tensor } from '@layerswarm/model'
import { createRandom } from '../random.ts'
import { type Spread, spreadOf } from './experiments.ts'
import { createHeatMap, type HeatMap } from './heat-map.ts'
import { type ModelRunner, stepsOf } from './model-runner.ts'
import type { Experiment } from './sweep.ts'
import { createCalibrationTally, createTally } from './tally.ts'

/** Answers averaged over several orders. */
export interface EnsembleMeasure {
  /** K: orders whose probabilities are averaged. */
  readonly orders: number
  readonly accuracy: number
  /** Expected calibration error, 0 … 1. */
  readonly calibrationError: number
}

/** What is measured while the layers of a model run in random orders. */
export interface ArbitraryMeasures {
  /** Accuracies of all layers in arbitrary order, one per pass. */
  readonly passes: readonly number[]
  /** By the number of layers applied, 0 … layers − 1, over all passes. */
  readonly pruned: readonly Spread[]
  readonly heatMap: HeatMap
  readonly ensembles: readonly EnsembleMeasure[]
}

/** Sizes of the ensembles, as far as there are as many passes. */
const ENSEMBLE_ORDERS = [1, 2, 4, 8, 16, 32, 64]

/**
 * Passes over all images with a fresh order for every batch. Stopping an order after k layers is
 * the model pruned to k random layers in random order, so that one pass measures every count.
 */
export function inArbitraryOrders(
  runner: ModelRunner,
  passes: number,
): Experiment<ArbitraryMeasures> {
  const { layers } = runner.spec
  const members = Array.from({ length: passes }, (_, seed) => ({
    random: createRandom(seed, 'evaluation orders'),
    /** By the number of layers applied, 0 … layers. */
    tallies: Array.from({ length: layers + 1 }, createTally),
  }))
  const sizes = ENSEMBLE_ORDERS.filter((orders) => orders <= passes)
  const ensembles = new Map(sizes.map((orders) => [orders, createCalibrationTally()]))
  const heat = createHeatMap(layers)

  return {
    async run({ tokens, labels }) {
      const outcomes: { order: Uint32Array; accuracy: number }[] = []
      let sum: Tensor | undefined
      for (const [member, { random, tallies }] of members.entries()) {
        const order = random.permutation(layers)
        const { logits, correct } = await runCounting(runner, tokens, order, (scores, applied) =>
          tallies[applied]?.add(scores, labels),
        )
        outcomes.push({ order, accuracy: correct / labels.length })
        sum = add(sum, softmax(logits))
        ensembles.get(member + 1)?.add(scaled(sum, 1 / (member + 1)), labels)
      }
      heat.add(outcomes, labels.length)
    },
    result: () => ({
      passes: members.map(({ tallies }) => tallies[layers]?.accuracy() ?? 0),
      pruned: layersOf(runner.spec).map((left) =>
        spreadOf(members.map(({ tallies }) => tallies[left]?.accuracy() ?? 0)),
      ),
      heatMap: heat.result(),
      ensembles: sizes.map((orders) => ({
        orders,
        accuracy: ensembles.get(orders)?.accuracy() ?? 0,
        calibrationError: ensembles.get(orders)?.error() ?? 0,
      })),
    }),
  }
}

/** One pass of all layers, looking at the answer after each. @returns the last logits and right answers. */
async function runCounting(
  runner: ModelRunner,
  tokens: Tensor,
  order: Uint32Array,
  count: (logits: Tensor, applied: number) => number | undefined,
): Promise<{ logits: Tensor; correct: number }> {
  let logits = await runner.classify(tokens)
  let correct = count(logits, 0) ?? 0
  for await (const step of stepsOf(runner, tokens, order)) {
    logits = step.logits
    correct = count(logits, step.applied) ?? 0
  }
  return { logits, correct }
}

function add(sum: Tensor | undefined, more: Tensor): Tensor {
  if (sum === undefined) return more
  return { shape: sum.shape, data: sum.data.map((value, i) => value + (more.data[i] as number)) }
}

function scaled({ shape, data }: Tensor, factor: number): Tensor {
  return { shape, data: data.map((value) => value * factor) }
}
