import { describe, expect, test } from 'vitest'
import {
  DIAL_RETRY_MS,
  DIAL_RETRY_MS_MAX,
  PEER_CONNECTIONS_RELOAD,
  SIGNALS_BURST,
  SIGNALS_PER_PEER_BURST,
  STRANGERS_SIGNALS_MAX,
} from '../limits.ts'
import { createSignalingBudget } from './signaling-budget.ts'

const tab = () => createSignalingBudget(STRANGERS_SIGNALS_MAX)
const node = () => createSignalingBudget(Number.POSITIVE_INFINITY)

const LANE = 100
const MINUTE_MS = 60_000

/** How many of so many new identities, evenly over a time, are let through. */
function crowd(
  budget: ReturnType<typeof tab>,
  { count, fromMs = 0, ms = 0, isAcquainted = false, name = 'crowd' }: Crowd,
): number {
  const each = Array.from({ length: count }, (_, index) =>
    budget.spend(`${name}${index}`, isAcquainted, fromMs + (ms * index) / count),
  )
  return each.filter(Boolean).length
}

interface Crowd {
  count: number
  fromMs?: number
  ms?: number
  isAcquainted?: boolean
  name?: string
}

describe('what others may cost a peer in RTCPeerConnections', () => {
  test('is a few of one peer, however many circuits it opens', () => {
    const budget = node()
    const made = Array.from({ length: 1_000 }, (_, index) => budget.spend('one', true, index))
    expect(made.filter(Boolean)).toHaveLength(SIGNALS_PER_PEER_BURST)
  })

  test('is as many as a peer needs that fails and tries again, as long as it lives', () => {
    const budget = node()
    const made: boolean[] = []
    let nowMs = 0
    for (let waitMs = DIAL_RETRY_MS; made.length < SIGNALS_PER_PEER_BURST; waitMs *= 2) {
      made.push(budget.spend('one', false, nowMs))
      nowMs += waitMs
    }
    for (let again = 0; again < 100; again++) {
      nowMs += DIAL_RETRY_MS_MAX
      made.push(budget.spend('one', false, nowMs))
    }
    expect(made).not.toContain(false)
  })

  test('lets a full lane meet a newcomer whom it knows or does not', () => {
    for (const isAcquainted of [true, false])
      expect(crowd(tab(), { count: LANE, isAcquainted })).toBe(LANE)
  })

  test('lets half of a lane come and go every minute for a day in Node', () => {
    const day = { count: (24 * 60 * LANE) / 2, ms: 24 * 60 * MINUTE_MS, fromMs: 1 }
    const budget = node()
    expect(crowd(budget, { count: LANE, name: 'first' })).toBe(LANE)
    expect(crowd(budget, day)).toBe(day.count)
  })

  test('is a burst of strangers and then one a second, whoever they say they are', () => {
    const seconds = 60
    const made = crowd(node(), { count: 10_000, ms: seconds * 1_000 })
    expect(made).toBeGreaterThanOrEqual(SIGNALS_BURST)
    expect(made).toBeLessThanOrEqual(SIGNALS_BURST + seconds)
  })

  test('leaves half of what a page may make to itself, for as long as it lives', () => {
    const budget = tab()
    const day = 24 * 60 * MINUTE_MS
    expect(crowd(budget, { count: 50_000, ms: day })).toBe(PEER_CONNECTIONS_RELOAD / 2)
    expect(budget.spend('stranger', false, 2 * day)).toBe(false)
  })

  test('lets acquaintances through beside a crowd of strangers, and after it', () => {
    const budget = tab()
    crowd(budget, { count: 1_000 })
    expect(crowd(budget, { count: LANE, isAcquainted: true, name: 'member' })).toBe(LANE)
    crowd(budget, { count: 10_000, fromMs: 1, ms: 60 * MINUTE_MS, name: 'more' })
    expect(budget.spend('stranger', false, 60 * MINUTE_MS)).toBe(false)
    const late = { count: LANE, isAcquainted: true, fromMs: 60 * MINUTE_MS, name: 'late' }
    expect(crowd(budget, late)).toBe(LANE)
  })

  test('takes nothing from others for what one peer is refused', () => {
    const budget = tab()
    for (let index = 0; index < 10_000; index++) budget.spend('one', false, index / 10)
    expect(crowd(budget, { count: LANE, fromMs: 1_000 })).toBe(LANE)
  })
})
