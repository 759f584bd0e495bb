import { describe, expect, test } from 'vitest'
import type { Compute } from '../ports.ts'
import { failing, virtualTime } from './acceptance-breaks.ts'
import { type ComputeBench, computeAcceptance } from './compute-acceptance.ts'
import { SymbolicCompute } from './symbolic-compute.ts'

const SHAPE = Object.freeze({ layers: 4, tokens: 5, width: 8 })

async function computeBench(change = (compute: Compute) => compute): Promise<ComputeBench> {
  const { clock, ...time } = virtualTime()
  return {
    ...time,
    compute: change(new SymbolicCompute(clock, 2)),
    layers: SHAPE.layers,
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
