import { describe, expect, test } from 'vitest'
import type { MemberEvent } from '../effects.ts'
import { LANE_PROVIDERS } from '../limits.ts'
import type { MemberOptions } from '../member.ts'
import { type Inhabitant, World } from '../testing/world.ts'

const SHAPE = { layers: 4, tokens: 5, width: 8 }

/** A room full of providers that choose their layers, and somebody who asks. */
function crowd(providers: number, options: Partial<MemberOptions> = {}) {
  const world = new World({ seed: 3, shape: SHAPE })
  const moves: { name: string; lane: number }[] = []
  const join = (name: string, given: Partial<MemberOptions> = {}): Inhabitant => {
    const one = world.join(name, { ...options, ...given })
    one.member.on((event) => {
      if (event.type === 'lane-entered') moves.push({ name, lane: event.lane })
    })
    return one
  }
  const members = Array.from({ length: providers }, (_, i) => join(`p${i}`, { capacity: 2 }))
  const pass = (ms: number) => world.clock.run(world.clock.nowMs() + ms)
  return { world, join, members, moves, pass }
}

/** Providers by lane. */
function sizesOf(members: readonly Inhabitant[]): number[] {
  const sizes: number[] = []
  for (const { member } of members) {
    const { lane } = member.snapshot()
    sizes[lane] = (sizes[lane] ?? 0) + 1
  }
  return Array.from(sizes, (size) => size ?? 0)
}

/** What becomes of requests that are asked one every so many milliseconds. */
function asked(world: World, { member }: Inhabitant, count: number, everyMs: number) {
  const outcome = { answered: 0, partial: 0, failed: [] as MemberEvent[] }
  member.on((event) => {
    if (event.type === 'failed') outcome.failed.push(event)
    if (event.type !== 'answered') return
    outcome.answered++
    if (event.answer.missingLayers.length > 0) outcome.partial++
  })
  const next = (left: number) => {
    if (left === 0) return
    member.ask(world.stem(), { deadlineMs: 20_000 })
    world.clock.wakeAt(world.clock.nowMs() + everyMs, () => next(left - 1))
  }
  next(count)
  return outcome
}

describe('the lanes of a release', { timeout: 60_000 }, () => {
  test('of sixty providers that start at once are three of at most twenty-four, each of which answers', () => {
    const { world, members, moves, pass, join } = crowd(60)
    pass(20_000)
    const sizes = sizesOf(members)
    expect(sizes).toHaveLength(3)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(LANE_PROVIDERS)
    for (const { member } of members)
      expect(Math.min(...member.snapshot().coverage)).toBeGreaterThan(0)
    expect(moves).toHaveLength(36)
    for (const lane of [0, 1, 2]) {
      const asker = join(`asker${lane}`, { lane, serve: [] })
      pass(1_000)
      const outcome = asked(world, asker, 10, 100)
      pass(5_000)
      expect(outcome).toEqual({ answered: 10, partial: 0, failed: [] })
    }
    pass(120_000)
    expect(moves.filter(({ name }) => name.startsWith('p'))).toHaveLength(36)
  })

  test('are left by nobody twice while one goes and one comes at the boundary, for minutes', () => {
    const { world, members, moves, pass, join } = crowd(LANE_PROVIDERS)
    pass(20_000)
    for (let round = 0; round < 10; round++) {
      members.push(join(`q${round}`, { capacity: 2 }))
      pass(15_000)
      const [gone] = members.splice(round, 1)
      if (gone !== undefined) world.kill(gone.peer)
      pass(15_000)
    }
    const times = new Map<string, number>()
    for (const { name } of moves) times.set(name, (times.get(name) ?? 0) + 1)
    expect(Math.max(0, ...times.values())).toBeLessThanOrEqual(1)
  })

  test('merge when a mass of providers has left, and answer', () => {
    const { world, members, pass, join } = crowd(48)
    pass(40_000)
    expect(sizesOf(members)).toEqual([24, 24])
    const left = [0, 1].flatMap((lane) =>
      members.filter(({ member }) => member.snapshot().lane === lane).slice(0, 18),
    )
    for (const { peer } of left) world.kill(peer)
    const stayed = members.filter((one) => !left.includes(one))
    const asker = join('asker', { lane: 1, serve: [] })
    pass(90_000)
    // Where somebody asks.
    expect(asker.member.snapshot().lane).toBe(1)
    expect(sizesOf(stayed)).toEqual([0, 12])
    const outcome = asked(world, asker, 10, 100)
    pass(5_000)
    expect(outcome).toEqual({ answered: 10, partial: 0, failed: [] })
  })

  test('are mended: providers of a larger one come to host what another lacks', () => {
    const { world, members, pass } = crowd(24)
    pass(40_000)
    // Their layers are fixed, so that nobody of them can take the last one.
    const stuck = Array.from({ length: 9 }, (_, i) =>
      world.join(`s${i}`, { lane: 1, serve: [i % 3] }),
    )
    pass(2_000)
    expect(stuck[0]?.member.snapshot().coverage[3]).toBe(0)
    pass(60_000)
    expect(stuck[0]?.member.snapshot().coverage[3]).toBeGreaterThan(0)
    const [large = 0, helpers = 0] = sizesOf(members)
    expect(helpers).toBeGreaterThan(0)
    expect(helpers).toBeLessThan(6)
    expect(large + helpers).toBe(24)
  })

  test('lose no request when providers move, nor when the asker does', () => {
    const { world, members, pass, join, moves } = crowd(10, { laneProviders: 6 })
    const asker = join('asker', { serve: [] })
    pass(800)
    // Ten in a lane of six: they spread while it asks, and more come.
    const outcome = asked(world, asker, 200, 200)
    for (let i = 0; i < 10; i++) {
      pass(2_000)
      members.push(join(`late${i}`, { capacity: 2 }))
    }
    pass(60_000)
    expect(moves.length).toBeGreaterThan(3)
    expect(outcome).toEqual({ answered: 200, partial: 0, failed: [] })
    for (const size of sizesOf(members)) expect(size).toBeLessThanOrEqual(6)
  })

  test('are told apart: a member knows nobody of another lane, and hears none of its presence', () => {
    const { world, pass, join } = crowd(0)
    const here = join('here', { serve: [0, 1, 2, 3] })
    const there = join('there', { lane: 1, serve: [0, 1, 2, 3] })
    pass(6_000)
    expect(here.member.snapshot().peers).toEqual([])
    expect(there.member.snapshot().peers).toEqual([])
    expect(there.member.snapshot().lane).toBe(1)
    expect(world.network.neighbours(here.peer)).toEqual([])
  })

  test('have room for askers: of six that came before the third was there, some go to it soon', () => {
    const { pass, join } = crowd(60)
    const askers = Array.from({ length: 6 }, (_, i) => join(`asker${i}`, { serve: [] }))
    pass(45_000)
    const asked = askers.map(({ member }) => member.snapshot().lane)
    expect(new Set(asked)).toEqual(new Set([0, 1, 2]))
  })

  test('count who is about to host for a provider, and whoever is paused for an asker', () => {
    const { world, pass, join } = crowd(0)
    join('asker', { serve: [] })
    join('coming', { capacity: 2 })
    const paused = join('paused', { capacity: 2 })
    pass(100)
    const counts = () => {
      let found: unknown
      world.network.countLanes((lanes) => {
        found = lanes
      })
      pass(1_000)
      return found
    }
    expect(counts()).toMatchObject([{ lane: 0, providers: 2, askers: 1 }])
    paused.member.pause()
    expect(counts()).toMatchObject([{ lane: 0, providers: 1, askers: 2 }])
  })
})
