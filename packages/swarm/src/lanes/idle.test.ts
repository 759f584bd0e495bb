import { describe, expect, test } from 'vitest'
import type { LaneCount } from '../wire/lane-count.ts'
import { laneSizes } from './choice.ts'
import { askedLane, helpLane, isIdleLane } from './idle.ts'

const SIZES = laneSizes(24)

/** Lanes 0, 1, … by their providers, askers and layers lacking. */
function counts(...lanes: [providers: number, askers?: number, lacking?: number][]): LaneCount[] {
  return lanes.map(([providers, askers = 0, lacking = 0], lane) => {
    return { lane, providers, askers, lacking }
  })
}

describe('an idle lane', () => {
  test('has too few for an asker to come, and none, though some are elsewhere', () => {
    expect(isIdleLane(counts([24, 1], [15]), 1, SIZES)).toBe(true)
    expect(isIdleLane(counts([24, 1], [16]), 1, SIZES)).toBe(false)
    expect(isIdleLane(counts([24, 1], [15, 1]), 1, SIZES)).toBe(false)
    expect(isIdleLane(counts([24], [15]), 1, SIZES)).toBe(false)
    expect(isIdleLane(counts([24, 1]), 1, SIZES)).toBe(false)
  })

  test('is left for those in which somebody asks, by as many as there is room for', () => {
    const lanes = counts([25, 1], [5], [24, 2], [3])
    const goes = [0, 1, 2, 3].map((turn) => askedLane(lanes, 1, turn, SIZES))
    expect(goes).toEqual([2, 0, 2, undefined])
  })

  test('that is not small is left by all or by nobody', () => {
    expect(askedLane(counts([20, 1], [8], [24, 2]), 1, 0, SIZES)).toBe(0)
    expect(askedLane(counts([20, 1], [9], [24, 2]), 1, 0, SIZES)).toBeUndefined()
  })

  const helps = (lanes: LaneCount[], own = 0) => helpLane(lanes, own, SIZES)

  test('that nobody can leave is helped until an asker comes', () => {
    expect(helps(counts([26, 3], [7]))).toEqual({ lane: 1, share: 9 / 26 })
    expect(helps(counts([22, 3], [26, 1], [9]))).toEqual({ lane: 2, share: 7 / 48 })
    // There is room for those in it; it merges; an asker alone does not come; it is large enough.
    expect(helps(counts([22, 3], [26, 1], [7]))).toBeUndefined()
    expect(helps(counts([26, 3], [13], [7]))?.lane).toBe(1)
    expect(helps(counts([26, 1], [7]))).toBeUndefined()
    expect(helps(counts([26, 3], [16]))).toBeUndefined()
  })

  test('is not helped by a lane that lacks a layer, nor by one that has too few then', () => {
    expect(helps(counts([24, 3, 1], [24, 3], [7]))).toBeUndefined()
    expect(helps(counts([24, 3], [16, 3], [13]))).toEqual({ lane: 2, share: 3 / 24 })
    expect(helps(counts([24, 3], [16, 3], [13]), 1)).toBeUndefined()
  })
})
