import { describe, expect, test } from 'vitest'
import { LANES_MAX, LAYERS_MAX, PEERS_MAX } from '../limits.ts'
import { countLanes, type LaneCount, parseLaneCount } from '../wire/lane-count.ts'
import { askersMove, entryLane, isOverfull, laneSizes, mendLane, mergeLane } from './choice.ts'

const SIZES = laneSizes(24)

/** Lanes 0, 1, … by their providers, askers and layers lacking. */
function counts(...lanes: [providers: number, askers?: number, lacking?: number][]): LaneCount[] {
  return lanes.map(([providers, askers = 0, lacking = 0], lane) => {
    return { lane, providers, askers, lacking }
  })
}

describe('a count of lanes', () => {
  test('tells hosts from askers and knows what nobody hosts', () => {
    const members = [
      { lane: 3, layers: [0, 1], freeSlots: 0 },
      { lane: 3, layers: [1, 9], freeSlots: 8 },
      { lane: 0, layers: [], freeSlots: 0 },
    ]
    expect(countLanes(members, 4)).toEqual([
      { lane: 0, providers: 0, askers: 1, lacking: 4 },
      { lane: 3, providers: 2, askers: 0, lacking: 2 },
    ])
  })

  test('takes whoever is about to host something for no asker', () => {
    expect(countLanes([{ lane: 0, layers: [], freeSlots: 8 }], 4)).toEqual([
      { lane: 0, providers: 1, askers: 0, lacking: 4 },
    ])
  })

  test('of somebody else is taken only when every number is one', () => {
    const [count] = counts([3, 2, 1])
    expect(parseLaneCount(count)).toEqual(count)
    const broken = [
      undefined,
      7,
      {},
      { ...count, lane: LANES_MAX },
      { ...count, providers: -1 },
      { ...count, askers: 0.5 },
      { ...count, lacking: '1' },
      { ...count, lacking: LAYERS_MAX + 1 },
      { ...count, providers: PEERS_MAX + 1 },
      { ...count, askers: Number.MAX_SAFE_INTEGER },
    ]
    for (const one of broken) expect(parseLaneCount(one)).toBeUndefined()
    const most = {
      lane: LANES_MAX - 1,
      providers: PEERS_MAX,
      askers: PEERS_MAX,
      lacking: LAYERS_MAX,
    }
    expect(parseLaneCount(most)).toEqual(most)
  })
})

describe('the sizes of lanes', () => {
  test('follow from how many providers a full one has', () => {
    expect(laneSizes()).toEqual({ full: 24, most: 26, enough: 16, small: 8, merged: 20 })
    expect(laneSizes(6)).toEqual({ full: 6, most: 6, enough: 4, small: 2, merged: 5 })
    const endless = Number.POSITIVE_INFINITY
    expect(laneSizes(0)).toEqual({
      full: endless,
      most: endless,
      enough: 0,
      small: 0,
      merged: 0,
    })
  })
})

describe('a provider that comes', () => {
  const enters = (lanes: LaneCount[] | undefined, turn = 0) => entryLane(lanes, true, SIZES, turn)

  test('is in lane 0 when nobody can say, when nobody is there, and when there is one lane', () => {
    expect(enters(undefined)).toBe(0)
    expect(enters([])).toBe(0)
    expect(entryLane(counts([24], [3]), true, laneSizes(0))).toBe(0)
  })

  test('goes where the fewest are', () => {
    expect(enters(counts([20], [9], [12]))).toBe(1)
  })

  test('goes first where a layer is lacking, if there is room', () => {
    expect(enters(counts([20, 0, 1], [9], [12]))).toBe(0)
    expect(enters(counts([24, 0, 1], [9], [12]))).toBe(1)
  })

  test('goes where somebody asks, before where nobody does and more are wanted', () => {
    expect(enters(counts([20, 1], [9], [22, 3], [12, 0, 1]))).toBe(0)
    expect(enters(counts([24, 1], [9], [24, 3]))).toBe(1)
  })

  test('stretches a lane in which somebody asks before it opens the next', () => {
    expect(enters(counts([24, 1], [25, 2]))).toBe(0)
    expect(enters(counts([26, 1], [25, 2], [24]))).toBe(1)
    expect(enters(counts([26, 1], [26, 2], [24]))).toBe(3)
  })

  test('opens the lowest unused lane when all are full', () => {
    expect(enters(counts([24], [25]))).toBe(2)
    expect(enters(counts([24], [25]).map((one) => ({ ...one, lane: 2 * one.lane })))).toBe(1)
  })

  test('joins the smallest when all numbers are taken', () => {
    const all = Array.from({ length: LANES_MAX }, (_, lane) => {
      return { lane, providers: lane === 7 ? 24 : 30, askers: 0, lacking: 0 }
    })
    expect(enters(all)).toBe(7)
  })

  test('takes its turn: thirty-six at once fill a lane and open the next', () => {
    const entered = Array.from({ length: 36 }, (_, turn) => enters(counts([60]), turn))
    expect(entered.filter((lane) => lane === 1)).toHaveLength(24)
    expect(entered.filter((lane) => lane === 2)).toHaveLength(12)
  })
})

describe('an asker that comes', () => {
  const enters = (lanes: LaneCount[]) => entryLane(lanes, false, SIZES)

  test('goes to where most providers are for each asker', () => {
    expect(enters(counts([24, 11], [20, 4], [12, 2]))).toBe(1)
  })

  test('goes to a lane that lacks a layer only when there is no other', () => {
    expect(enters(counts([4, 9], [20, 0, 1]))).toBe(0)
    expect(enters(counts([4, 9, 1], [20, 0, 1]))).toBe(1)
  })

  test('is in lane 0 when nobody serves', () => {
    expect(enters([{ lane: 5, providers: 0, askers: 3, lacking: 8 }])).toBe(0)
  })
})

describe('an overfull lane', () => {
  test('is one of more than a full lane has, if some can go elsewhere, or nobody asks here', () => {
    expect(isOverfull(counts([25, 1], [20, 1]), 0, SIZES)).toBe(true)
    expect(isOverfull(counts([25, 1], [8]), 0, SIZES)).toBe(true)
    expect(isOverfull(counts([25]), 0, SIZES)).toBe(true)
    expect(isOverfull(counts([24]), 0, SIZES)).toBe(false)
    expect(isOverfull(counts([24]), 1, SIZES)).toBe(false)
  })

  test('is otherwise one that is stretched too far', () => {
    expect(isOverfull(counts([26, 1], [24, 1], [7]), 0, SIZES)).toBe(false)
    expect(isOverfull(counts([27, 1], [24, 1], [7]), 0, SIZES)).toBe(true)
  })
})

describe('a small lane', () => {
  test('merges into the lowest one that has room for all of it', () => {
    expect(mergeLane(counts([24], [15], [12], [5]), 3, 5, SIZES)).toBe(1)
  })

  test('stays where all others would be too large, and never goes up', () => {
    expect(mergeLane(counts([16], [5]), 1, 5, SIZES)).toBeUndefined()
    expect(mergeLane(counts([5], [6]), 0, 5, SIZES)).toBeUndefined()
    expect(mergeLane(counts([5], [8]), 1, 8, SIZES)).toBeUndefined()
  })

  test('does not merge into one in which nobody serves', () => {
    expect(mergeLane(counts([0, 3, 8], [5]), 1, 5, SIZES)).toBeUndefined()
  })
})

describe('a lane that lacks a layer', () => {
  const mends = (lanes: LaneCount[], own: number) =>
    mendLane(
      lanes,
      new Set(lanes.filter(({ lacking }) => lacking > 0).map(({ lane }) => lane)),
      own,
      2,
      SIZES,
    )

  test('is helped by as many of the larger lanes as it needs, on average', () => {
    // Three layers are two hosts, of forty.
    expect(mends(counts([24], [16], [9, 0, 3]), 0)).toEqual({ lane: 2, share: 2 / 40 })
  })

  test('is not helped by small lanes, by lanes in need, nor by itself', () => {
    expect(mends(counts([24], [8], [9, 0, 3]), 1)).toBeUndefined()
    expect(mends(counts([24], [20, 0, 1], [9, 0, 3]), 1)).toBeUndefined()
    expect(mends(counts([24], [16], [9, 0, 3]), 2)).toBeUndefined()
  })

  test('is not helped while nobody serves there, while it is full, or when it is about to merge', () => {
    expect(mends(counts([24], [0, 4, 8]), 0)).toBeUndefined()
    expect(mends(counts([24], [24, 0, 1]), 0)).toBeUndefined()
    expect(mends(counts([12], [5, 0, 1]), 0)).toBeUndefined()
  })

  test('is helped only once it has lacked it for a while', () => {
    expect(mendLane(counts([24], [9, 0, 3]), new Set(), 0, 2, SIZES)).toBeUndefined()
  })
})

describe('askers', () => {
  test('stay where others are not worth a move', () => {
    expect(askersMove(counts([24, 4], [24, 2]), 0, SIZES)).toBeUndefined()
    expect(askersMove(counts([24, 4]), 0, SIZES)).toBeUndefined()
  })

  test('go in part to where twice as many providers are for each', () => {
    // Twenty-four askers, fair are twelve in each: half of those here go.
    expect(askersMove(counts([24, 24], [24, 0]), 0, SIZES)).toEqual({
      lanes: [{ lane: 1, weight: 12 }],
      share: 0.5,
    })
  })

  test('of a crowd go to where enough serve and nobody asks, three at a look so that one comes soon', () => {
    expect(askersMove(counts([24, 10], [16]), 0, SIZES)?.lanes).toMatchObject([{ lane: 1 }])
    expect(askersMove(counts([24, 2], [16, 1]), 0, SIZES)).toBeUndefined()
    const share = (...found: Parameters<typeof counts>) =>
      askersMove(counts(...found), 0, SIZES)?.share
    expect(share([24, 4], [24, 6], [16])).toBeCloseTo(0.3)
    expect(share([24, 6], [24, 4], [24, 4], [24, 4], [16])).toBeCloseTo(0.357)
    expect(share([24, 2], [16])).toBe(1)
    expect(share([24, 1], [16])).toBeUndefined()
    expect(share([24, 2], [15])).toBeUndefined()
  })

  test('all leave a lane that lacks a layer for those that do not', () => {
    const move = askersMove(counts([24, 1, 1], [24, 3], [12, 3]), 0, SIZES)
    expect(move?.share).toBe(1)
    expect(move?.lanes.map(({ lane }) => lane)).toEqual([1, 2])
    expect(askersMove(counts([24, 1, 1], [24, 3, 2]), 0, SIZES)).toBeUndefined()
  })

  test('leave a lane in which nobody is counted', () => {
    expect(askersMove([{ lane: 1, providers: 9, askers: 1, lacking: 0 }], 0, SIZES)?.share).toBe(1)
  })
})
