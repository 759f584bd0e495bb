import { describe, expect, test } from 'vitest'
import { TOP_ROWS } from '../limits.ts'
import { bestClass, classBars } from './class-bars.ts'

describe('class bars', () => {
  test('few classes keep the order of the model', () => {
    const bars = classBars([0.1, 0.7, 0.2], ['Coat', 'Bag', 'Shirt'])
    expect(bars.map((bar) => bar.label)).toEqual(['Coat', 'Bag', 'Shirt'])
    expect(bars.map((bar) => bar.best)).toEqual([false, true, false])
  })

  test('many classes are cut to the likeliest, likeliest first', () => {
    const probabilities = Array.from({ length: 1000 }, (_, index) =>
      index === 700 ? 0.5 : 0.5 / 999,
    )
    const bars = classBars(probabilities, [])
    expect(bars).toHaveLength(TOP_ROWS)
    expect(bars[0]).toEqual({ index: 700, label: 'class 700', share: 0.5, best: true })
    expect(bars.slice(1).map((bar) => bar.index)).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  test('shares that are no shares are drawn as empty or full', () => {
    expect(classBars([Number.NaN, 2, -1], []).map((bar) => bar.share)).toEqual([0, 1, 0])
  })

  test('the first of equals is the best', () => {
    expect(bestClass([0.2, 0.4, 0.4])).toBe(1)
    expect(bestClass([])).toBe(-1)
  })
})
