import { describe, expect, test } from 'vitest'
import { createHeatMap } from './heat-map.ts'
import { createCalibrationTally, createTally } from './tally.ts'

const scores = (...rows: number[][]) => ({
  shape: [rows.length, rows[0]?.length ?? 0],
  data: Float32Array.from(rows.flat()),
})

describe('a tally', () => {
  test('counts the largest score as the answer, over several batches', () => {
    const tally = createTally()
    expect(tally.add(scores([0.1, 0.9], [0.8, 0.2]), [1, 1])).toBe(1)
    expect(tally.add(scores([3, 1]), [0])).toBe(1)
    expect(tally.accuracy()).toBeCloseTo(2 / 3, 12)
  })
})

describe('the calibration error', () => {
  test('is the distance of confidence and accuracy, weighted by the images of each bin', () => {
    const tally = createCalibrationTally()
    // Two answers with confidence 0.75, one of them right; two with 0.5, both right.
    tally.add(scores([0.75, 0.25], [0.75, 0.25], [0.5, 0.5], [0.5, 0.5]), [0, 1, 0, 0])
    expect(tally.error()).toBeCloseTo(0.5 * 0.25 + 0.5 * 0.5, 6)
    expect(tally.accuracy()).toBe(0.75)
  })

  test('is zero for certain answers that are right, and one for certain ones that are wrong', () => {
    const right = createCalibrationTally()
    right.add(scores([1, 0], [0, 1]), [0, 1])
    expect(right.error()).toBe(0)
    const wrong = createCalibrationTally()
    wrong.add(scores([1, 0], [0, 1]), [1, 0])
    expect(wrong.error()).toBe(1)
  })
})

describe('a heat map', () => {
  test('finds the layer whose position matters, however hard the batches are', () => {
    const heat = createHeatMap(2)
    // With layer 0 first, half of a batch more is right: 0.9 and 0.4, or 0.6 and 0.1.
    heat.add(
      [
        { order: [0, 1], accuracy: 0.9 },
        { order: [1, 0], accuracy: 0.4 },
      ],
      10,
    )
    heat.add(
      [
        { order: [1, 0], accuracy: 0.1 },
        { order: [0, 1], accuracy: 0.6 },
      ],
      10,
    )
    const [[first = 0, last = 0] = []] = heat.result()
    // The mean, 0.5, and half a batch to either side.
    expect(first).toBeCloseTo(1, 12)
    expect(last).toBeCloseTo(0, 12)
  })

  test('says that a cell was never seen', () => {
    const heat = createHeatMap(2)
    heat.add(
      [
        { order: [0, 1], accuracy: 1 },
        { order: [0, 1], accuracy: 1 },
      ],
      1,
    )
    expect(heat.result()).toEqual([
      [1, null],
      [null, 1],
    ])
  })
})
