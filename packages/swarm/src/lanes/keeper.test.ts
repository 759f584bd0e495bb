import { describe, expect, test } from 'vitest'
import { draw } from '../draw.ts'
import { PeerTable } from '../presence/peer-table.ts'
import { anyPresence } from '../testing/any-presence.ts'
import type { LaneCount } from '../wire/lane-count.ts'
import type { PeerId } from '../wire/messages.ts'
import { LaneKeeper, type LaneSituation } from './keeper.ts'
import {
  ASKER_STAY_MS,
  BARREN_MS,
  HELP_STAY_MS,
  LANE_LACKS_MS,
  LANE_SETTLE_MS,
  LANE_STAY_MS,
  LANES_LOOK_MS,
  LANES_LOOK_SOON_MS,
  MOVE_PATIENCE_MS,
} from './limits.ts'

const RELEASE = '5'.repeat(64)

const PROVIDER: LaneSituation = {
  serves: true,
  hosted: new Set([0, 1]),
  capacity: 2,
  layers: 4,
  isAtWork: false,
  isAsking: false,
  isStarved: false,
  isTrusting: true,
}
const ASKER: LaneSituation = { ...PROVIDER, serves: false, hosted: new Set(), capacity: 0 }

/** A member of a lane with so many other providers, each of which hosts all four layers. */
function member(others: number, { lane = 0, self = 'me' } = {}) {
  const table = new PeerTable(RELEASE)
  const keeper = new LaneKeeper({ self: self as PeerId, lane, laneProviders: 24 }, table, 0)
  const join = (name: string, nowMs = 0) =>
    table.hear(name as PeerId, anyPresence({ release: RELEASE, layers: [0, 1, 2, 3] }), nowMs)
  for (let i = 0; i < others; i++) join(`p${i}`)
  /** Counts at a time. @returns where it goes then, if it does. */
  const count = (counts: readonly LaneCount[] | undefined, nowMs: number, now = PROVIDER) => {
    keeper.counted(counts, now, nowMs)
    return keeper.isDue(now, nowMs) ? keeper.move(nowMs) : undefined
  }
  return { keeper, table, join, count }
}

function lanes(...found: [providers: number, askers?: number, lacking?: number][]): LaneCount[] {
  return found.map(([providers, askers = 0, lacking = 0], lane) => {
    return { lane, providers, askers, lacking }
  })
}

/** Everybody of a lane, by what each of them decides. */
function everybody(
  count: number,
  counts: readonly LaneCount[] = lanes([count]),
  lane = 0,
): (number | undefined)[] {
  const names = Array.from({ length: count }, (_, i) => `p${i}`)
  return names.map((self) => {
    const { table, count: decide } = member(count, { self, lane })
    table.forget(self as PeerId)
    return decide(counts, 3_000)
  })
}

describe('a keeper of lanes', () => {
  test('looks soon after it has come, and then now and then', () => {
    const { keeper } = member(3)
    expect(keeper.wakeAtMs()).toBe(LANES_LOOK_SOON_MS)
    expect(keeper.look(LANES_LOOK_SOON_MS - 1, false)).toBe(false)
    expect(keeper.look(LANES_LOOK_SOON_MS, false)).toBe(true)
    const next = keeper.wakeAtMs() - LANES_LOOK_SOON_MS
    expect(next).toBeGreaterThanOrEqual(0.75 * LANES_LOOK_MS)
    expect(next).toBeLessThanOrEqual(1.25 * LANES_LOOK_MS)
  })

  test('looks at once when nobody in its lane answers, but not without end', () => {
    const { keeper } = member(3)
    expect(keeper.look(1, true)).toBe(true)
    expect(keeper.look(LANES_LOOK_SOON_MS, false)).toBe(false)
    expect(keeper.look(LANES_LOOK_SOON_MS, true)).toBe(false)
    expect(keeper.look(1 + LANES_LOOK_SOON_MS, true)).toBe(true)
  })

  test('looks soon when its lane is overfull, and not at every newcomer', () => {
    const { keeper, join } = member(23)
    keeper.look(LANES_LOOK_SOON_MS, false)
    keeper.joined(true, 3_000)
    expect(keeper.wakeAtMs()).toBeGreaterThan(3_000 + LANES_LOOK_SOON_MS)
    join('p23')
    keeper.joined(true, 3_000)
    keeper.joined(true, 4_000)
    expect(keeper.wakeAtMs()).toBe(3_000 + LANES_LOOK_SOON_MS)
  })

  test('never looks where there is one lane', () => {
    const { keeper } = member(0)
    const one = new LaneKeeper(
      { self: 'me' as PeerId, lane: 0, laneProviders: 0 },
      new PeerTable(RELEASE),
      0,
    )
    expect(one.wakeAtMs()).toBe(Number.POSITIVE_INFINITY)
    expect(one.look(1, true)).toBe(false)
    expect(keeper.wakeAtMs()).toBeLessThan(Number.POSITIVE_INFINITY)
  })

  test('stays when nobody can say how full the lanes are', () => {
    expect(member(40).count(undefined, LANE_STAY_MS)).toBeUndefined()
  })

  test('of sixty that came at once sends thirty-six on, to where there is room for each', () => {
    const decided = everybody(60)
    expect(decided.filter((lane) => lane === undefined)).toHaveLength(24)
    expect(decided.filter((lane) => lane === 1)).toHaveLength(24)
    expect(decided.filter((lane) => lane === 2)).toHaveLength(12)
  })

  test('sends nobody on while no more are counted than it has room for', () => {
    expect(member(40).count(lanes([24]), 3_000)).toBeUndefined()
  })

  test('does not count those twice who are already on their way', () => {
    // Sixty are known, and thirty of the thirty-six have gone.
    const self = Array.from({ length: 60 }, (_, i) => `p${i}`).reduce((a, b) =>
      draw(a, 0) > draw(b, 0) ? a : b,
    )
    const { table, count } = member(60, { self })
    table.forget(self as PeerId)
    expect(count(lanes([30], [18], [12]), 3_000)).toBe(2)
  })

  test('of twenty-five sends one, and of twenty-four none', () => {
    expect(everybody(25).filter((lane) => lane !== undefined)).toHaveLength(1)
    expect(everybody(24).filter((lane) => lane !== undefined)).toHaveLength(0)
  })

  test('that hears few of a crowd is as far up in the whole as among those', () => {
    const stays = Array.from({ length: 400 }, (_, i) => `q${i}`).filter(
      (self) => member(20, { self }).count(lanes([240]), 3_000) === undefined,
    )
    expect(stays.length).toBeGreaterThan(20)
    expect(stays.length).toBeLessThan(90)
  })

  test('leaves a small lane with all others of it once it has been small for a while', () => {
    const { count } = member(4, { lane: 1 })
    const found = lanes([12], [5])
    expect(count(found, LANE_STAY_MS)).toBeUndefined()
    expect(count(found, LANE_STAY_MS + LANE_SETTLE_MS - 1)).toBeUndefined()
    expect(count(found, LANE_STAY_MS + LANE_SETTLE_MS)).toBe(0)
  })

  test('does not leave a small lane in which it has not been for long', () => {
    const { count } = member(4, { lane: 1 })
    const found = lanes([12], [5])
    expect(count(found, 1_000)).toBeUndefined()
    expect(count(found, 1_000 + LANE_SETTLE_MS)).toBeUndefined()
    expect(count(found, LANE_STAY_MS)).toBe(0)
  })

  test('goes to a lane that has lacked a layer in two counts, a few of many', () => {
    const found = lanes([24], [10, 0, 4])
    const gone = Array.from({ length: 240 }, (_, i) => `q${i}`).filter((self) => {
      const { count } = member(23, { self })
      expect(count(found, LANE_STAY_MS)).toBeUndefined()
      return count(found, LANE_STAY_MS + LANE_LACKS_MS) === 1
    })
    // Two hosts of twenty-four, ten times over.
    expect(gone.length).toBeGreaterThan(8)
    expect(gone.length).toBeLessThan(36)
  })

  test('does not go to help when its going would uncover a layer', () => {
    const found = lanes([24], [10, 0, 40])
    const needed = { ...PROVIDER, hosted: new Set([0, 5]), layers: 8 }
    const { count } = member(23)
    count(found, LANE_STAY_MS, needed)
    expect(count(found, LANE_STAY_MS + LANE_LACKS_MS, needed)).toBeUndefined()
    const free = member(23)
    free.count(found, LANE_STAY_MS)
    expect(free.count(found, LANE_STAY_MS + LANE_LACKS_MS)).toBe(1)
  })

  test('goes at once from an idle lane to one in which somebody asks, as many as there is room for', () => {
    const decided = everybody(5, lanes([24, 2], [5]), 1)
    expect(decided.filter((lane) => lane === 0)).toHaveLength(2)
    expect(decided.filter((lane) => lane === undefined)).toHaveLength(3)
  })

  test('goes to an idle lane that nobody can leave, unless strangers have let it down', () => {
    const found = lanes([24, 3], [9])
    const going = (isTrusting: boolean) =>
      Array.from({ length: 100 }, (_, i) => `q${i}`).filter((self) => {
        const now = { ...PROVIDER, isTrusting }
        expect(member(23, { self }).count(found, HELP_STAY_MS - 1, now)).toBeUndefined()
        return member(23, { self }).count(found, HELP_STAY_MS, now) === 1
      }).length
    // Seven of twenty-four.
    expect(going(true)).toBeGreaterThan(12)
    expect(going(true)).toBeLessThan(42)
    expect(going(false)).toBe(0)
  })

  test('looks again soon while it is in an idle lane', () => {
    const { keeper, count } = member(4, { lane: 1 })
    keeper.look(9_000, false)
    expect(count(lanes([26, 2], [5]), 9_000)).toBeUndefined()
    expect(keeper.wakeAtMs()).toBe(9_000 + LANES_LOOK_SOON_MS)
  })

  test('stays in a lane that is stretched a little while no other has room', () => {
    const going = (counts: LaneCount[]) =>
      everybody(26, counts).filter((lane) => lane !== undefined).length
    expect(going(lanes([26, 1], [25, 1]))).toBe(0)
    expect(going(lanes([26, 1], [23, 1]))).toBe(2)
    expect(going(lanes([26, 1], [7]))).toBe(0)
  })

  test('as an asker goes to where there is more room, and never while it waits for an answer', () => {
    const found = lanes([24, 4, 1], [20, 2])
    const { count, keeper } = member(24)
    expect(count(found, ASKER_STAY_MS - 1, ASKER)).toBeUndefined()
    expect(count(found, ASKER_STAY_MS, { ...ASKER, isAsking: true })).toBeUndefined()
    expect(count(found, ASKER_STAY_MS, ASKER)).toBe(1)
    expect(keeper.lane).toBe(1)
  })

  test('as an asker goes as soon as it has its answer, if that comes soon', () => {
    const found = lanes([24, 4, 1], [20, 2])
    const asking = { ...ASKER, isAsking: true }
    const { keeper } = member(24)
    keeper.counted(found, asking, ASKER_STAY_MS)
    expect(keeper.isDue(asking, ASKER_STAY_MS + 500)).toBe(false)
    expect(keeper.isDue(ASKER, ASKER_STAY_MS + 600)).toBe(true)
    expect(keeper.isDue(asking, ASKER_STAY_MS + MOVE_PATIENCE_MS)).toBe(false)
    expect(keeper.isDue(ASKER, ASKER_STAY_MS + MOVE_PATIENCE_MS)).toBe(false)
  })

  test('as an asker whom nobody answers goes elsewhere at once, though there is less room', () => {
    const found = lanes([24, 1], [12, 2], [0, 3, 4])
    const starved = { ...ASKER, isAsking: true, isAtWork: true, isStarved: true }
    const { count } = member(24)
    expect(count(found, 1, { ...starved, serves: true })).toBeUndefined()
    expect(count(found, 1, starved)).toBe(1)
  })

  test('does not come back to where nobody answered it, for a while', () => {
    const starved = { ...ASKER, isStarved: true }
    const wishes = [BARREN_MS - 1, BARREN_MS].map((laterMs) => {
      const { count } = member(24)
      expect(count(lanes([24], [12, 6]), ASKER_STAY_MS, starved)).toBe(1)
      return count(lanes([24], [12, 6, 1], [1, 9]), ASKER_STAY_MS + laterMs, ASKER)
    })
    expect(wishes).toEqual([2, 0])
  })

  test('tries the others anew where it has found no lane that answers', () => {
    const found = lanes([24], [24])
    const starved = { ...ASKER, isStarved: true }
    const { count } = member(24)
    expect(count(found, ASKER_STAY_MS, starved)).toBe(1)
    expect(count(found, 2 * ASKER_STAY_MS, starved)).toBe(0)
    expect(count(found, 3 * ASKER_STAY_MS, starved)).toBe(1)
  })

  test('as a provider whom nobody answers goes as well, once its work is done or has lasted', () => {
    const starved = { ...PROVIDER, isAtWork: true, isAsking: true, isStarved: true }
    const { keeper } = member(23)
    keeper.counted(lanes([24, 1], [12, 2]), starved, ASKER_STAY_MS)
    expect(keeper.isDue(starved, ASKER_STAY_MS)).toBe(false)
    expect(keeper.isDue(starved, ASKER_STAY_MS + MOVE_PATIENCE_MS)).toBe(true)
    expect(keeper.move(ASKER_STAY_MS + MOVE_PATIENCE_MS)).toBe(1)
  })

  test('finishes the work in hand first, but not for ever', () => {
    const self = Array.from({ length: 25 }, (_, i) => `p${i}`).reduce((a, b) =>
      draw(a, 0) > draw(b, 0) ? a : b,
    )
    const { keeper, table } = member(25, { self })
    table.forget(self as PeerId)
    keeper.look(LANES_LOOK_SOON_MS, false)
    keeper.counted(lanes([25]), PROVIDER, 3_000)
    const atWork = { ...PROVIDER, isAtWork: true }
    expect(keeper.isDue(atWork, 3_000)).toBe(false)
    expect(keeper.wakeAtMs()).toBe(3_000 + MOVE_PATIENCE_MS)
    expect(keeper.isDue(PROVIDER, 4_000)).toBe(true)
    expect(keeper.isDue(atWork, 3_000 + MOVE_PATIENCE_MS)).toBe(true)
    expect(keeper.move(9_000)).toBe(1)
    expect(keeper.lane).toBe(1)
    expect(keeper.wakeAtMs()).toBe(9_000 + LANES_LOOK_SOON_MS)
  })
})
