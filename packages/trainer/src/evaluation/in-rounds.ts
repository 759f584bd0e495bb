import { type Grouping, groupingText, type Tensor } from '@layerswarm/model'
import { createRandom } from '../random.ts'
import { type Spread, spreadOf } from './experiments.ts'
import type { ModelRunner } from './model-runner.ts'
import type { Experiment } from './sweep.ts'
import { createTally } from './tally.ts'

/**
 * Accuracy with all layers in rounds, by the text of the grouping: which layers share a round is
 * drawn anew for every batch, the same draws for all groupings.
 */
export function inRounds(
  runner: ModelRunner,
  groupings: readonly Grouping[],
  seeds: number,
): Experiment<Readonly<Record<string, Spread>>> {
  const passes = Array.from({ length: seeds }, (_, seed) => ({
    random: createRandom(seed, 'evaluation orders'),
    tallies: groupings.map(() => createTally()),
  }))
  return {
    async run({ tokens, labels }) {
      for (const { random, tallies } of passes) {
        const order = random.permutation(runner.spec.layers)
        for (const [index, sizes] of groupings.entries()) {
          tallies[index]?.add(await runRounds(runner, tokens, order, sizes), labels)
        }
      }
    },
    result: () =>
      Object.fromEntries(
        groupings.map((sizes, index) => [
          groupingText(sizes),
          spreadOf(passes.map(({ tallies }) => tallies[index]?.accuracy() ?? 0)),
        ]),
      ),
  }
}

/**
 * Applies an order cut into rounds: x' = x + Σ (f(x) − x) over the layers of each. A `position`
 * model is told how many layers ran before the round.
 * @returns logits (B, classes).
 */
export async function runRounds(
  runner: ModelRunner,
  tokens: Tensor,
  order: ArrayLike<number>,
  sizes: Grouping,
): Promise<Tensor> {
  let x = tokens
  let first = 0
  for (const size of sizes) {
    const { data, shape } = x
    let sum = data
    for (let i = first; i < first + size; i++) {
      const y = (await runner.apply(order[i] as number, x, first)).data
      // The first layer's output holds x already; the others add what they changed.
      sum =
        i === first ? y : sum.map((value, at) => value + (y[at] as number) - (data[at] as number))
    }
    x = { shape, data: sum }
    first += size
  }
  return runner.classify(x)
}
