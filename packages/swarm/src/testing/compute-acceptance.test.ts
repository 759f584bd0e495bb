import type { EncodedActivation } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import type { Compute, LayerOutcome } from '../ports.ts'
import { failing, virtualTime } from './acceptance-breaks.ts'
import { computeAcceptance } from './compute-acceptance.ts'
import type { ComputeBench } from './compute-bench.ts'
import { SymbolicCompute } from './symbolic-compute.ts'

const SHAPE = Object.freeze({ layers: 4, tokens: 5, width: 8 })

async function computeBench(change = (compute: Compute) => compute): Promise<ComputeBench> {
  const { clock, ...time } = virtualTime()
  return {
    ...time,
    compute: change(new SymbolicCompute(clock, 2)),
    layers: SHAPE.layers,
    nowMs: () => clock.nowMs(),
    input: (nonce) => ({
      dtype: 'float16',
      shape: [1, SHAPE.tokens, SHAPE.width],
      bytes: new Uint8Array(2 * SHAPE.tokens * SHAPE.width).fill(nonce, 60),
    }),
  }
}

describe('the symbolic compute is a compute: it', () => {
  for (const { name, run } of computeAcceptance(computeBench)) test(name, run)
})

type LayerResult = Exclude<LayerOutcome, { failure: string }>

function changedCompute(compute: Compute, change: Partial<Compute>): Compute {
  return {
    backend: compute.backend,
    host: (layer, hosted) => compute.host(layer, hosted),
    drop: (layer) => compute.drop(layer),
    run: (layer, hop, input, finished) => compute.run(layer, hop, input, finished),
    runHead: (input, finished) => compute.runHead(input, finished),
    ...change,
  }
}

/** Changes what runs give. */
function changedRuns(
  compute: Compute,
  change: (result: LayerResult, input: EncodedActivation) => LayerOutcome,
): Partial<Compute> {
  return {
    run: (layer, hop, input, finished) =>
      compute.run(layer, hop, input, (outcome) =>
        finished('failure' in outcome ? outcome : change(outcome, input)),
      ),
  }
}

/** Changes the scores that the head gives. */
function changedHead(
  compute: Compute,
  change: (logits: number[][]) => number[][],
): Partial<Compute> {
  return {
    runHead: (input, finished) =>
      compute.runHead(input, (outcome) =>
        finished('failure' in outcome ? outcome : { logits: change(outcome.logits) }),
      ),
  }
}

/** Answers two runs that are under way at once with each other's outcome. */
function swapping(compute: Compute): Partial<Compute> {
  const open: ((outcome: LayerOutcome) => void)[] = []
  return {
    run(layer, hop, input, finished) {
      open.push(finished)
      compute.run(layer, hop, input, (outcome) => {
        // The answer goes to whoever asked last.
        open.pop()?.(outcome)
      })
    },
  }
}

describe('the suite of computes catches one that', () => {
  const breaks: [string, (compute: Compute) => Partial<Compute>, string][] = [
    [
      'never answers',
      () => ({ run: () => {} }),
      'answers a run once, in the shape and the dtype of its input',
    ],
    [
      'answers twice',
      (compute) => ({
        run: (layer, hop, input, finished) =>
          compute.run(layer, hop, input, (outcome) => {
            finished(outcome)
            finished(outcome)
          }),
      }),
      'answers a run once, in the shape and the dtype of its input',
    ],
    [
      'answers in another dtype',
      (compute) => ({
        run: (layer, hop, input, finished) =>
          compute.run(layer, hop, { ...input, dtype: 'float32' }, finished),
      }),
      'answers a run once, in the shape and the dtype of its input',
    ],
    [
      'runs what it does not host',
      (compute) => ({
        run: (_layer, hop, input, finished) => compute.run(0, hop, input, finished),
      }),
      'refuses to run a layer that it does not host, and says why',
    ],
    [
      'runs what was dropped',
      () => ({ drop: () => {} }),
      'refuses to run a layer that was dropped, and runs the others',
    ],
    [
      'computes in its input',
      (compute) => ({
        run(layer, hop, input, finished) {
          input.bytes.fill(1)
          compute.run(layer, hop, input, finished)
        },
      }),
      'leaves the input of a run and of the head as it was',
    ],
    [
      'gives its input back',
      (compute) => changedRuns(compute, ({ ms }, activation) => ({ activation, ms })),
      'gives other results for other layers and other input, and never its input',
    ],
    [
      'gives zeros',
      (compute) =>
        changedRuns(compute, ({ activation, ms }) => {
          const bytes = new Uint8Array(activation.bytes.length)
          return { activation: { ...activation, bytes }, ms }
        }),
      'gives other results for other layers and other input, and never its input',
    ],
    [
      'runs one layer for all',
      (compute) => ({
        run: (layer, hop, input, finished) =>
          compute.run(layer === 1 ? 0 : layer, hop, input, finished),
      }),
      'gives other results for other layers and other input, and never its input',
    ],
    [
      'swaps the answers of runs at once',
      swapping,
      'answers every one of many runs at once, each with its own result',
    ],
    [
      'loses the thirteenth run',
      (compute) => {
        let runs = 0
        return {
          run(layer, hop, input, finished) {
            if (++runs !== 13) compute.run(layer, hop, input, finished)
          },
        }
      },
      'answers every one of many runs at once, each with its own result',
    ],
    [
      'fails a batch of two',
      (compute) => ({
        run(layer, hop, input, finished) {
          if (input.shape[0] === 1) compute.run(layer, hop, input, finished)
          else compute.run(-1, hop, input, finished)
        },
      }),
      'runs a batch of images as it runs each of them',
    ],
    [
      'never answers a batch of two',
      (compute) => ({
        run(layer, hop, input, finished) {
          if (input.shape[0] === 1) compute.run(layer, hop, input, finished)
        },
      }),
      'runs a batch of images as it runs each of them',
    ],
    [
      'runs the first image of a batch only',
      (compute) =>
        changedRuns(compute, ({ activation, ms }, input) => {
          const bytes = input.bytes.slice()
          const image = bytes.length / input.shape[0]
          bytes.set(activation.bytes.subarray(0, image))
          return { activation: { ...activation, bytes }, ms }
        }),
      'runs a batch of images as it runs each of them',
    ],
    [
      'gives the scores of the first image of a batch only',
      (compute) => changedHead(compute, (logits) => logits.slice(0, 1)),
      'runs a batch of images as it runs each of them',
    ],
    [
      'never answers input of another shape',
      (compute) => ({
        run(layer, hop, input, finished) {
          if (input.shape[1] === SHAPE.tokens && input.shape[2] === SHAPE.width)
            compute.run(layer, hop, input, finished)
        },
      }),
      'answers input of another shape, and runs the next',
    ],
    [
      'runs nothing after input of another shape',
      (compute) => {
        let isBroken = false
        return {
          run(layer, hop, input, finished) {
            if (input.shape[1] !== SHAPE.tokens) isBroken = true
            compute.run(isBroken ? -1 : layer, hop, input, finished)
          },
        }
      },
      'answers input of another shape, and runs the next',
    ],
    [
      'says in seconds how long it took',
      (compute) => changedRuns(compute, ({ activation, ms }) => ({ activation, ms: ms / 1_000 })),
      'says in milliseconds how long a run took',
    ],
    [
      'says that it took no time',
      (compute) => changedRuns(compute, ({ activation }) => ({ activation, ms: 0 })),
      'says in milliseconds how long a run took',
    ],
    [
      'says that it took an hour',
      (compute) => changedRuns(compute, ({ activation }) => ({ activation, ms: 3_600_000 })),
      'says in milliseconds how long a run took',
    ],
    [
      'gives the same scores whatever the input',
      (compute) => changedHead(compute, (logits) => logits.map(() => [1, 2, 3])),
      'gives other scores for other input of the head',
    ],
    [
      'gives an empty row of scores',
      (compute) => changedHead(compute, (logits) => logits.map(() => [])),
      'answers the head once, with one row of scores for one image',
    ],
    [
      'answers inside a call',
      () => ({ runHead: (_, finished) => finished({ logits: [[0]] }) }),
      'answers after a call and never inside it',
    ],
  ]

  test.each(breaks)('%s', async (_, change, name) => {
    const bench = () => computeBench((compute) => changedCompute(compute, change(compute)))
    expect(await failing(computeAcceptance(bench))).toContain(name)
  })
})
