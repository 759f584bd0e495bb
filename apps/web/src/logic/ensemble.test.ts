import type { Answer, RequestId } from '@layerswarm/swarm'
import { describe, expect, test } from 'vitest'
import { combine } from './ensemble.ts'

function answer(probabilities: number[], missingLayers: number[] = []): Answer {
  return {
    request: '00'.repeat(16) as RequestId,
    logits: [probabilities],
    probabilities: [probabilities],
    route: [],
    rounds: [],
    missingLayers,
    checked: { layers: [], doubted: [] },
    totalMs: 1,
  }
}

describe('an ensemble', () => {
  test('of one order is its answer, without any spread', () => {
    const { mean, spread, agreeing } = combine([answer([0.7, 0.3])])
    expect(mean).toEqual([0.7, 0.3])
    expect(spread).toEqual([0, 0])
    expect(agreeing).toBe(1)
  })

  test('averages the orders and tells how far they lie apart', () => {
    const { mean, spread, agreeing } = combine([answer([1, 0]), answer([0.4, 0.6])])
    expect(mean[0]).toBeCloseTo(0.7)
    expect(mean[1]).toBeCloseTo(0.3)
    expect(spread[0]).toBeCloseTo(0.3)
    expect(agreeing).toBe(1)
  })

  test('names every layer that some order lacked, once', () => {
    const { missingLayers } = combine([answer([1], [5, 2]), answer([1], [2])])
    expect(missingLayers).toEqual([2, 5])
  })
})
