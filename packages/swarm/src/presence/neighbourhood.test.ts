import { describe, expect, test } from 'vitest'
import { draw } from '../draw.ts'
import { NEIGHBOURS_MAX } from '../limits.ts'
import { anyPresence } from '../testing/any-presence.ts'
import type { Neighbour, PeerId, Presence } from '../wire/messages.ts'
import { isVouched, neighbourOf, rttOf } from './near.ts'
import { Neighbourhood } from './neighbourhood.ts'

const [me, a, b, c] = ['me', 'a', 'b', 'c'] as [PeerId, PeerId, PeerId, PeerId]

/** What is said of neighbours: of all of them, or only news. */
function presence(
  near: readonly Neighbour[],
  { strangersFail = 0, isWhole = true } = {},
): Presence {
  return anyPresence({ near, strangersFail, addresses: isWhole ? [] : undefined })
}

describe('an announced neighbour', () => {
  test('is as far as it was measured, within a step of the scale', () => {
    for (const ms of [0, 1, 7, 40, 130, 900, 2_500]) {
      const heard = rttOf(neighbourOf(a, ms, false)) ?? Number.NaN
      expect(Math.abs(Math.log2((1 + heard) / (1 + ms)))).toBeLessThan(1 / 22 + 1e-9)
    }
    expect(rttOf(neighbourOf(a, undefined, true))).toBeUndefined()
    expect(rttOf(neighbourOf(a, 1e9, false))).toBeGreaterThan(2_500)
  })

  test('has delivered to its announcer, or has not', () => {
    expect([true, false].map((has) => isVouched(neighbourOf(a, 10, has)))).toEqual([true, false])
  })
})

describe('the neighbourhood', () => {
  const own = {
    reaches: (peer: PeerId) => peer === a,
    rttMs: (peer: PeerId) => (peer === a ? 20 : undefined),
  }

  test('knows own ways by measurement, others by what either end announces', () => {
    const near = new Neighbourhood(me, own)
    expect(near.wayMs(me, a)).toBe(10)
    expect(near.wayMs(a, b)).toBeUndefined()
    near.hear(b, presence([neighbourOf(a, 100, false)]))
    expect(near.wayMs(a, b)).toBeCloseTo(50, -1)
    expect(near.wayMs(b, a)).toBe(near.wayMs(a, b))
    expect(near.wayMs(b, c)).toBeUndefined()
    expect(near.wayMs(c, c)).toBe(0)
  })

  test('keeps what a member said until it says otherwise, and forgets it with the member', () => {
    const near = new Neighbourhood(me, own)
    near.hear(b, presence([neighbourOf(a, 100, true)]))
    near.hear(b, presence([], { isWhole: false }))
    expect(near.wayMs(a, b)).toBeCloseTo(50, -1)
    near.hear(b, presence([neighbourOf(c, 30, false)], { isWhole: false }))
    expect(near.wayMs(a, b)).toBeCloseTo(50, -1)
    expect(near.wayMs(c, b)).toBeCloseTo(15, 0)
    near.hear(b, presence([neighbourOf(a, 400, false)], { isWhole: false }))
    expect(near.wayMs(a, b)).toBeCloseTo(200, -1)
    expect(near.hearsay([b]).vouched.size).toBe(0)
    near.forget(b)
    expect(near.wayMs(a, b)).toBeUndefined()
  })

  test('takes who is missing from a whole presence for no neighbour any more', () => {
    const near = new Neighbourhood(me, own)
    near.hear(b, presence([neighbourOf(a, 100, true), neighbourOf(c, 30, false)]))
    near.hear(b, presence([neighbourOf(c, 30, false)]))
    expect(near.wayMs(a, b)).toBeUndefined()
    expect(near.wayMs(c, b)).toBeDefined()
    near.hear(b, presence([]))
    expect(near.wayMs(c, b)).toBeUndefined()
  })

  test('remembers only so many neighbours of one member, however many it names', () => {
    const near = new Neighbourhood(me, own)
    for (let first = 0; first < 1_000; first += 100)
      near.hear(
        b,
        presence(
          Array.from({ length: 100 }, (_, i) => ({ tag: first + i, way: 3 })),
          { isWhole: false },
        ),
      )
    expect(near.hearsay([b]).vouched.size).toBe(NEIGHBOURS_MAX)
  })

  test('collects whom trusted members have seen deliver, and the median of what they say of strangers', () => {
    const near = new Neighbourhood(me, own)
    near.hear(a, presence([neighbourOf(c, 10, true)], { strangersFail: 51 }))
    near.hear(b, presence([neighbourOf(me, 10, true)], { strangersFail: 204 }))
    const { vouched, strangersFail } = near.hearsay([a])
    expect(vouched.has(neighbourOf(c, 10, true).tag)).toBe(true)
    expect(vouched.has(neighbourOf(me, 10, true).tag)).toBe(false)
    expect(strangersFail).toBeCloseTo(0.2)
    expect(near.hearsay([]).strangersFail).toBeUndefined()
  })

  test('knows who has delivered to anybody, whoever says so', () => {
    const near = new Neighbourhood(me, own)
    near.hear(a, presence([neighbourOf(b, 10, true), neighbourOf(c, 10, false)]))
    expect([b, c].map((peer) => near.isKnownToDeliver(draw(peer)))).toEqual([true, false])
    near.forget(a)
    expect(near.isKnownToDeliver(draw(b))).toBe(false)
  })
})
