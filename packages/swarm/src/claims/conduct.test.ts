import { describe, expect, test } from 'vitest'
import type { PeerId } from '../wire/messages.ts'
import { Conduct } from './conduct.ts'

const a = 'a' as PeerId
const b = 'b' as PeerId

describe('conduct', () => {
  test('a stranger that does not deliver is not waited for again, one that has delivered is once', () => {
    const conduct = new Conduct()
    conduct.delivered(a, 100, 0)
    for (const peer of [a, b]) conduct.expired(peer, 1_000)
    expect([a, b].map((peer) => conduct.isDistrusted(peer, 1_001))).toEqual([false, true])
    conduct.expired(a, 2_000)
    expect(conduct.isDistrusted(a, 2_001)).toBe(true)
  })

  test('distrust ends with a delivery, or with time', () => {
    const conduct = new Conduct()
    conduct.expired(a, 0)
    conduct.expired(b, 0)
    conduct.delivered(a, undefined, 10)
    expect(conduct.isDistrusted(a, 11)).toBe(false)
    expect(conduct.isDistrusted(b, 11)).toBe(true)
    expect(conduct.isDistrusted(b, 60_000)).toBe(false)
  })

  test('whoever takes three times as long as usual is slow, for a minute', () => {
    const conduct = new Conduct()
    for (let i = 0; i < 20; i++) conduct.delivered(a, 200, i)
    for (let i = 0; i < 5; i++) conduct.delivered(b, 2_000, 100)
    expect([a, b].map((peer) => conduct.isSlow(peer, 200))).toEqual([false, true])
    expect(conduct.isSlow(b, 100_000)).toBe(false)
  })

  test('a claim is honoured for a few times what deliveries usually take, whatever it asks for', () => {
    const conduct = new Conduct()
    for (let i = 0; i < 20; i++) conduct.delivered(a, 200, i)
    expect(conduct.patienceMs(b, 1)).toBeCloseTo(800, 0)
    expect(conduct.patienceMs(b, 1_000)).toBe(4_000)
  })
})
