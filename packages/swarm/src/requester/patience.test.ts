import { describe, expect, test } from 'vitest'
import { FIRST_PROVIDER_MS, NO_HOST_GRACE_MS, STALL_MS_MAX } from '../limits.ts'
import { anyStep, hopsBy, inlineTensor } from '../testing/any-step.ts'
import type { Activation, PeerId, Step } from '../wire/messages.ts'
import {
  BELIEF_FACTOR,
  HELD_UP_SHARE,
  HURRY_FACTOR,
  HURRY_MS,
  HURRY_SHARE_MAX,
  SCORING_SHARE_MAX,
} from './limits.ts'
import { Patience } from './patience.ts'

const peer = 'somebody' as PeerId
const START_MS = 1_000
const TOTAL_MS = 30_000
const STALL_MS = 700

function stepOf(hops: number, next?: PeerId, activation: Activation = inlineTensor): Step {
  return anyStep({ route: hopsBy(peer, hops), next, activation })
}

const SCORING_MS = 400

const patience = (totalMs = TOTAL_MS, scoringMs = SCORING_MS, isEnough = true) =>
  new Patience(
    START_MS + totalMs,
    { scoringMs: () => scoringMs, isEnough: () => isEnough },
    START_MS,
  )

describe('the end of the wait', () => {
  test('leaves as much time as getting the scores takes, and never more than a share of it all', () => {
    const reserves: [number, number, number][] = [
      [TOTAL_MS, SCORING_MS, SCORING_MS],
      [TOTAL_MS, 3_000, 3_000],
      [1_000, SCORING_MS, SCORING_SHARE_MAX * 1_000],
      [1, SCORING_MS, SCORING_SHARE_MAX],
    ]
    for (const [totalMs, scoringMs, reserveMs] of reserves) {
      const one = patience(totalMs, scoringMs)
      const step = stepOf(0, peer)
      const endMs = START_MS + totalMs - reserveMs
      expect(one.wakeAtMs(step, STALL_MS)).toBe(endMs)
      expect(one.due(step, STALL_MS, endMs - 0.1)).toBeUndefined()
      expect(one.due(step, STALL_MS, endMs)).toBe('deadline')
    }
  })

  test('is the deadline itself while there are too few layers for an answer', () => {
    const one = patience(TOTAL_MS, SCORING_MS, false)
    expect(one.wakeAtMs(stepOf(1, peer), TOTAL_MS)).toBe(START_MS + TOTAL_MS)
    expect(one.due(stepOf(1, peer), STALL_MS, START_MS + TOTAL_MS - 1)).toBe('stalled')
  })

  test('is near when scores may well come too late, or half of a short time is over', () => {
    const hurries = (totalMs: number, scoringMs: number) =>
      START_MS + totalMs - patience(totalMs, scoringMs).hurriesAtMs(stepOf(1, peer))
    expect(hurries(TOTAL_MS, SCORING_MS)).toBe(HURRY_MS)
    expect(hurries(TOTAL_MS, 2_000)).toBe(HURRY_FACTOR * 2_000)
    expect(hurries(1_000, SCORING_MS)).toBe(HURRY_SHARE_MAX * 1_000)
  })

  test('of a first step that nobody could take waits for whoever joins', () => {
    const one = patience()
    one.uncovered(START_MS + 20_000, START_MS)
    const step = stepOf(0, peer)
    expect(one.due(step, STALL_MS, START_MS + FIRST_PROVIDER_MS - 1)).toBeUndefined()
    expect(one.due(step, STALL_MS, START_MS + FIRST_PROVIDER_MS)).toBe('uncovered')
  })

  test('of a later one counts from when nobody was known for it, and from when the lane was', () => {
    const one = patience()
    one.uncovered(START_MS, START_MS + 100)
    one.uncovered(START_MS, START_MS + 900)
    expect(one.wakeAtMs(stepOf(1), STALL_MS)).toBe(START_MS + 100 + NO_HOST_GRACE_MS)
    // It has gone to another lane meanwhile.
    one.uncovered(START_MS + 5_000, START_MS + 1_000)
    expect(one.wakeAtMs(stepOf(1), STALL_MS)).toBe(START_MS + 5_000 + NO_HOST_GRACE_MS)
    one.covered()
    one.uncovered(START_MS, START_MS + 6_000)
    expect(one.wakeAtMs(stepOf(1), STALL_MS)).toBe(START_MS + 6_000 + NO_HOST_GRACE_MS)
    // A later step lacks other hosts.
    one.advanced(stepOf(2), START_MS + 6_500)
    one.uncovered(START_MS, START_MS + 6_500)
    expect(one.wakeAtMs(stepOf(2), STALL_MS)).toBe(START_MS + 6_500 + NO_HOST_GRACE_MS)
  })
})

describe('a step at which nothing moves', () => {
  const stalledAtMs = START_MS + STALL_MS

  test('is stalled after the usual time', () => {
    const one = patience()
    for (const step of [stepOf(0), stepOf(2), stepOf(2, peer)]) {
      expect(one.due(step, STALL_MS, stalledAtMs - 1)).toBeUndefined()
      expect(one.due(step, STALL_MS, stalledAtMs)).toBe('stalled')
    }
  })

  test('is not while this member, its author, waits for whoever it named', () => {
    expect(patience().due(stepOf(0, peer), STALL_MS, stalledAtMs)).toBeUndefined()
  })

  test('is not for want of a host: going back brings none', () => {
    const one = patience()
    one.uncovered(START_MS, START_MS)
    expect(one.due(stepOf(2), STALL_MS, stalledAtMs)).toBeUndefined()
    expect(one.due(stepOf(0), STALL_MS, stalledAtMs)).toBe('stalled')
    one.covered()
    expect(one.due(stepOf(2), STALL_MS, stalledAtMs)).toBe('stalled')
  })

  test('is waited at anew once the request has gone back, whatever was heard before', () => {
    const one = patience()
    one.claimed({ hop: 5, ttlMs: 4_000 }, STALL_MS, START_MS)
    one.wentBack(START_MS + 100)
    expect(one.wakeAtMs(stepOf(1), STALL_MS)).toBe(START_MS + 100 + STALL_MS)
    one.claimed({ hop: 2, ttlMs: 1_000 }, STALL_MS, START_MS + 100)
    expect(one.wakeAtMs(stepOf(1), STALL_MS)).toBe(START_MS + 1_100)
    // Of its later hops nobody has spoken since: they take the usual time.
    one.advanced(stepOf(3), START_MS + 200)
    expect(one.wakeAtMs(stepOf(3), STALL_MS)).toBe(START_MS + 200 + STALL_MS)
  })
})

describe('a claim', () => {
  const speak = (one: Patience, hop: number, ttlMs: number, nowMs: number) =>
    one.claimed({ hop, ttlMs }, STALL_MS, nowMs)

  test('is believed to its end, and no longer than the longest stall at once', () => {
    const one = patience()
    speak(one, 1, 2_000, START_MS)
    expect(one.wakeAtMs(stepOf(1), STALL_MS)).toBe(START_MS + 2_000)
    speak(one, 1, 20_000, START_MS)
    expect(one.wakeAtMs(stepOf(1), STALL_MS)).toBe(START_MS + STALL_MS_MAX)
  })

  test('on one step is believed no longer than a few times what the first one said', () => {
    const one = patience()
    for (let ms = 0; ms < 9_000; ms += 100) speak(one, 1, 1_000, START_MS + ms)
    expect(one.wakeAtMs(stepOf(1), STALL_MS)).toBe(START_MS + BELIEF_FACTOR * 1_000 + STALL_MS)
  })

  test('on a later hop is work of its own', () => {
    const one = patience()
    for (let ms = 0; ms < 3_000; ms += 100) speak(one, 1, 1_000, START_MS + ms)
    speak(one, 2, 1_500, START_MS + 3_000)
    expect(one.wakeAtMs(stepOf(1), STALL_MS)).toBe(START_MS + 4_500)
  })

  test('holds a step up for no more than its share of the time that was left when it came', () => {
    const one = patience()
    one.advanced(stepOf(1), START_MS + 3_000)
    const mostMs = START_MS + 3_000 + HELD_UP_SHARE * (TOTAL_MS - 3_000)
    for (let i = 0; i < 100; i++) speak(one, 2 + i, 4_000, START_MS + 3_000 + 200 * i)
    expect(one.wakeAtMs(stepOf(1), STALL_MS)).toBe(mostMs)
    one.renamed(mostMs + 1_000)
    expect(one.wakeAtMs(stepOf(1), STALL_MS)).toBe(mostMs + STALL_MS)
  })

  test('of one peer is spent with its name: whoever is named in its place is believed anew', () => {
    const one = patience()
    for (let ms = 0; ms < 3_000; ms += 100) speak(one, 1, 1_000, START_MS + ms)
    one.renamed(START_MS + 3_000)
    speak(one, 1, 1_500, START_MS + 3_000)
    expect(one.wakeAtMs(stepOf(1), STALL_MS)).toBe(START_MS + 4_500)
  })

  test('may hold up a step that the request has gone back to for a share of what is left then', () => {
    const one = patience()
    one.wentBack(START_MS + 15_000)
    for (let i = 0; i < 100; i++) speak(one, 1 + i, 4_000, START_MS + 15_000 + 100 * i)
    expect(one.wakeAtMs(stepOf(1), STALL_MS)).toBe(START_MS + 15_000 + HELD_UP_SHARE * 15_000)
  })

  test('that is heard before its step counts on, and how long a step took is said', () => {
    const one = patience()
    speak(one, 1, 2_000, START_MS)
    expect(one.advanced(stepOf(1), START_MS + 100)).toBeLessThan(0)
    expect(one.wakeAtMs(stepOf(1), STALL_MS)).toBe(START_MS + 2_000)
    const other = patience()
    expect(other.advanced(stepOf(1), START_MS + 100)).toBe(100)
  })
})
