import { describe, expect, test } from 'vitest'
import {
  logitVariance,
  type Novelty,
  noveltyScore,
  noveltyVerdict,
  parseNovelty,
} from './novelty.ts'

const KNOWN: Novelty = {
  score: 'flatness',
  images: 100,
  falseAlarms: 0.05,
  thresholds: { '1': -1, '2': -0.9, '8': -1.1 },
}

describe('the novelty of a picture', () => {
  test('is the spread of the logits below zero in one order', () => {
    expect(noveltyScore([[3, 1, 1, 3]])).toBeCloseTo(-1, 12)
  })

  test('falls when one class stands out, and not when all rise alike', () => {
    expect(noveltyScore([[9, 0, 0]])).toBeLessThan(noveltyScore([[3, 0, 0]]))
    expect(noveltyScore([[13, 10, 10]])).toBeCloseTo(noveltyScore([[3, 0, 0]]), 12)
  })

  test('grows by half of what the orders disagree by', () => {
    // Variances of the two classes between the orders: 2 and 0, their mean 1.
    const orders = [
      [5, 1],
      [3, 1],
    ]
    expect(logitVariance(orders)).toBeCloseTo(1, 12)
    expect(noveltyScore(orders)).toBeCloseTo(0.5 - 1.5, 12)
  })

  test('is judged by the threshold for the most orders that were asked', () => {
    const row = [4, 0]
    expect(noveltyVerdict(KNOWN, [row])).toEqual({
      ...{ novel: false, score: -2, threshold: -1, orders: 1 },
    })
    expect(noveltyVerdict(KNOWN, [row, row, row])).toMatchObject({ threshold: -0.9, orders: 2 })
    expect(noveltyVerdict(KNOWN, [[1, 0]])).toMatchObject({ novel: true, score: -0.5 })
  })

  test('has no verdict without a threshold or an answer', () => {
    expect(noveltyVerdict(undefined, [[1, 0]])).toBeUndefined()
    expect(noveltyVerdict(KNOWN, [])).toBeUndefined()
    const later = { ...KNOWN, thresholds: { '4': -1 } }
    expect(noveltyVerdict(later, [[1, 0]])).toBeUndefined()
  })

  test.each([
    ['novelty', null],
    ['novelty', { ...KNOWN, extra: 1 }],
    ['novelty.score', { ...KNOWN, score: 'entropy' }],
    ['novelty.images', { ...KNOWN, images: 0.5 }],
    ['novelty.falseAlarms', { ...KNOWN, falseAlarms: 2 }],
    ['novelty.thresholds', { ...KNOWN, thresholds: {} }],
    ['novelty.thresholds', { ...KNOWN, thresholds: { '01': 1 } }],
    ['novelty.thresholds', { ...KNOWN, thresholds: { '65': 1 } }],
    ['novelty.thresholds.2', { ...KNOWN, thresholds: { '2': Number.NaN } }],
  ])('is refused by the name of its field, %s', (field, value) => {
    expect(() => parseNovelty(value)).toThrow(`manifest: "${field}"`)
  })

  test('of a manifest is read as it was written', () => {
    expect(parseNovelty({ ...KNOWN })).toEqual(KNOWN)
  })
})
