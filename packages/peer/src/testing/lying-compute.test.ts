import { decodeActivation, type EncodedActivation, encodeActivation } from '@layerswarm/model'
import type { LayerOutcome } from '@layerswarm/swarm'
import { describe, expect, test } from 'vitest'
import type { PartCompute } from '../compute/part-compute.ts'
import { COMPUTE_LIES, lyingCompute } from './lying-compute.ts'

const SHAPE = [1, 2, 2]
const x = Float32Array.of(1, 2, 3, 4)
const y = Float32Array.of(1.5, 1, 3, 6)

/** An engine whose every layer makes y of anything. */
function engine(outcome: LayerOutcome = { activation: encode(y), ms: 7 }): PartCompute {
  const made: Partial<PartCompute> = {
    backend: 'ort-wasm',
    run: (_layer, _hop, _input, finished) => finished(outcome),
  }
  return made as PartCompute
}

function encode(data: Float32Array): EncodedActivation {
  return encodeActivation({ shape: SHAPE, data }, 'float32')
}

function ran(compute: PartCompute): LayerOutcome {
  let heard: LayerOutcome = { failure: 'nothing' }
  compute.run(0, 0, encode(x), (outcome) => {
    heard = outcome
  })
  return heard
}

function step(outcome: LayerOutcome): number[] {
  if (!('activation' in outcome)) throw new Error(outcome.failure)
  const { shape, data } = decodeActivation(outcome.activation)
  expect(shape).toEqual(SHAPE)
  return [...data].map((value, i) => value - (x[i] as number))
}

describe('an engine that lies', () => {
  test.each(COMPUTE_LIES)('takes a %s step, of the size of the true one', (lie) => {
    const honest = step(ran(engine()))
    const lied = step(ran(lyingCompute(engine(), lie, () => 0.9)))
    expect(lied).not.toEqual(honest)
    expect(Math.hypot(...lied)).toBeCloseTo(Math.hypot(...honest), 6)
  })

  test('fails where its engine fails, and names it as its own', () => {
    const compute = lyingCompute(engine({ failure: 'out of memory' }), 'random', () => 0.1)
    expect(ran(compute)).toEqual({ failure: 'out of memory' })
    expect(compute.backend).toBe('ort-wasm')
  })
})
