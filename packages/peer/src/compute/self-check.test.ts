import { createReferenceEngine, type Engine, type ModelSpec } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { createNodeEngine } from '../engine/create-engine.node.ts'
import { SELF_CHECK_RELATIVE_L2_MAX } from './limits.ts'
import { selfCheck } from './self-check.ts'

/** The reference with every output value changed. */
function spoiled(change: (value: number, at: number) => number) {
  return async (spec: ModelSpec): Promise<Engine> => {
    const engine = createReferenceEngine(spec)
    return {
      ...engine,
      run: async (...args) => {
        const { shape, data } = await engine.run(...args)
        return { shape, data: data.map(change) }
      },
    }
  }
}

describe('the self-check', { timeout: 30_000 }, () => {
  test.each(['ort-node', 'ort-wasm'] as const)('passes %s with room to spare', async (name) => {
    expect(await selfCheck((spec) => createNodeEngine(name, spec))).toBeLessThan(1e-5)
  })

  test('fails an engine that is one percent off', async () => {
    const distance = await selfCheck(spoiled((value) => value * 1.01))
    expect(distance).toBeGreaterThan(SELF_CHECK_RELATIVE_L2_MAX)
  })

  test('fails an engine that computes one value in a thousand wrong', async () => {
    const distance = await selfCheck(spoiled((value, at) => (at % 1000 === 7 ? value + 1 : value)))
    expect(distance).toBeGreaterThan(SELF_CHECK_RELATIVE_L2_MAX)
  })

  test('fails an engine that computes NaN', async () => {
    const distance = await selfCheck(spoiled(() => Number.NaN))
    expect(distance).toBe(Number.POSITIVE_INFINITY)
  })
})
