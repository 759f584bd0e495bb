import { describe, expect, test } from 'vitest'
import type { Neighbour, PeerId, Presence } from '../wire/messages.ts'
import { isVouched, neighbourOf, rttOf } from './near.ts'
import { Neighbourhood } from './neighbourhood.ts'

const [me, a, b, c] = ['me', 'a', 'b', 'c'] as [PeerId, PeerId, PeerId, PeerId]

function presence(near: readonly Neighbour[], strangersFail = 0): Presence {
  return {
    kind: 'presence',
    release: '5'.repeat(64),
    lane: 0,
    sequence: 1,
    layers: [],
    freeSlots: 1,
    links: 1,
    layerMs: 1,
    measured: true,
    upload: 0,
    download: 0,
    strangersFail,
    near,
    backend: 'reference',
    addresses: [],
    asking: false,
    leaving: false,
    moving: false,
  }
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

  test('keeps what a member said last, and forgets it with the member', () => {
    const near = new Neighbourhood(me, own)
    near.hear(b, presence([neighbourOf(a, 100, false)]))
    near.hear(b, presence([]))
    expect(near.wayMs(a, b)).toBeDefined()
    near.forget(b)
    expect(near.wayMs(a, b)).toBeUndefined()
  })

  test('collects whom trusted members have seen deliver, and the median of what they say of strangers', () => {
    const near = new Neighbourhood(me, own)
    near.hear(a, presence([neighbourOf(c, 10, true)], 51))
    near.hear(b, presence([neighbourOf(me, 10, true)], 204))
    const { vouched, strangersFail } = near.hearsay([a])
    expect(vouched.has(neighbourOf(c, 10, true).tag)).toBe(true)
    expect(vouched.has(neighbourOf(me, 10, true).tag)).toBe(false)
    expect(strangersFail).toBeCloseTo(0.2)
    expect(near.hearsay([]).strangersFail).toBeUndefined()
  })
})
