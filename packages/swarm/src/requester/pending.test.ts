import { describe, expect, test } from 'vitest'
import { ERAS_MAX } from '../limits.ts'
import { CLASSIFY_POLICY_DEFAULT } from '../request.ts'
import { anyStep, hopsBy } from '../testing/any-step.ts'
import type { PeerId, Step } from '../wire/messages.ts'
import { RESCUES_MAX } from './limits.ts'
import { Pending } from './pending.ts'

const one = 'one' as PeerId
const other = 'another' as PeerId

const after = (hops: number, by = one, next: PeerId | undefined = other): Step =>
  anyStep({ route: hopsBy(by, hops), next })

/** A request that has come through these numbers of hops. */
function pending(...hops: number[]): Pending {
  const wanted = new Pending(
    anyStep(),
    { policy: CLASSIFY_POLICY_DEFAULT, startedMs: 0 },
    { scoringMs: () => 0, barred: () => [] },
    0,
  )
  hops.forEach((count, i) => {
    wanted.advance(after(count), 10 * (i + 1))
  })
  return wanted
}

describe('a request that goes back', () => {
  test('comes to the step before, in a new era, and names nobody; whoever was to go on is suspected', () => {
    const wanted = pending(1, 3)
    expect(wanted.goBack(100)).toBe(other)
    expect(wanted.newest).toMatchObject({ era: 1, next: undefined, route: hopsBy(one, 1) })
    // Nobody is named: its author is silent.
    expect(wanted.goBack(200)).toBe(one)
    expect(wanted.newest).toMatchObject({ era: 2, next: undefined, route: [] })
  })

  test('ends nobody’s work on its first step until authors were asked in vain', () => {
    const wanted = pending()
    const eras = Array.from({ length: RESCUES_MAX + 1 }, () => {
      wanted.goBack(100)
      return [wanted.newest.era, wanted.isDesperate]
    })
    expect(eras).toEqual([
      ...Array.from({ length: RESCUES_MAX - 1 }, () => [0, false]),
      [1, false],
      [1, true],
    ])
  })

  test('begins anew after a few times, unless somebody goes on meanwhile', () => {
    const wanted = pending(1, 2, 3)
    wanted.goBack(100)
    wanted.advance({ ...after(3), era: 1 }, 200)
    for (let i = 0; i <= RESCUES_MAX; i++) {
      expect(wanted.isDesperate).toBe(false)
      wanted.goBack(300 + i)
    }
    expect(wanted.isDesperate).toBe(true)
    expect(wanted.newest.route).toEqual([])
  })

  test('is open again, and its eras are bounded', () => {
    const wanted = pending(1)
    wanted.close('complete')
    wanted.goBack(100)
    expect(wanted.closing).toBeUndefined()
    for (let i = 0; i < 100; i++) wanted.goBack(200)
    expect(wanted.newest.era).toBe(ERAS_MAX)
  })

  test('goes back on its own route alone: what another made of the step before is no part of it', () => {
    const wanted = pending(1, 2)
    wanted.advance(after(3, other), 50)
    wanted.goBack(100)
    expect(wanted.newest.route).toEqual([])
  })
})

describe('an answer without the last visit', () => {
  test('is given where the step before has enough layers', () => {
    const policy = { ...CLASSIFY_POLICY_DEFAULT, minLayers: 2 }
    const wanted = new Pending(
      anyStep(),
      { policy, startedMs: 0 },
      { scoringMs: () => 0, barred: () => [] },
      0,
    )
    for (const hops of [1, 2, 4]) wanted.advance(after(hops), hops)
    expect(wanted.dropLast()).toBe(true)
    expect(wanted.newest.route).toHaveLength(2)
    expect(wanted.dropLast()).toBe(false)
    expect(wanted.newest.route).toHaveLength(2)
  })
})

describe('the pace of a lane', () => {
  test('shows in what came at once, and not in what was asked for twice or came with another', () => {
    const wanted = pending(1)
    expect(wanted.advance(after(2), 40)).toBe(30)
    expect(wanted.advance(after(3), 40)).toBeUndefined()
    wanted.goBack(100)
    expect(wanted.advance({ ...after(3), era: 1 }, 150)).toBeUndefined()
  })
})

describe('a request that was left to whoever answers first', () => {
  test('may be followed by the whole lane from then on', () => {
    const wanted = pending(1)
    expect(wanted.isPublic).toBe(false)
    wanted.rename({ ...after(1), next: undefined }, 20)
    wanted.advance(after(2), 30)
    expect(wanted.isPublic).toBe(true)
  })
})
