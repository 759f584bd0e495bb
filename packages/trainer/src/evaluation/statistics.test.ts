import { describe, expect, test } from 'vitest'
import { areaUnderCurve } from './statistics.ts'

describe('the area under the ROC curve', () => {
  test('is the share of pairs in the right order, a tie being half of one', () => {
    expect(areaUnderCurve([1, 2], [3, 4])).toBe(1)
    expect(areaUnderCurve([3, 4], [1, 2])).toBe(0)
    expect(areaUnderCurve([1, 3], [2, 4])).toBe(0.75)
    expect(areaUnderCurve([1, 1], [1, 1, 1])).toBe(0.5)
    expect(areaUnderCurve([1, 2], [2])).toBe(0.75)
  })
})
