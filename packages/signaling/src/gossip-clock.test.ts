import './polyfill.ts'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createGossipClock } from './gossip-clock.ts'

const HOURS = 2 * 3_600_000

/** What of gossip is looked at here. */
type Inside = GossipSub & {
  readonly seenCache: { put(key: string): void; has(key: string): boolean; prune(): void }
  doAddBackoff(peer: string, topic: string, ms: number): void
  readonly backoff: Map<string, Map<string, number>>
  readonly score: {
    addPeer(peer: string): void
    removePeer(peer: string): void
    refreshScores(): void
    readonly peerStats: Map<string, unknown>
  }
}

afterEach(() => vi.restoreAllMocks())

/** Gossip of a node, and a clock for it that can be set. */
async function setting() {
  const node = await createLibp2p({
    start: false,
    services: {
      identify: identify(),
      pubsub: gossipsub({ seenTTL: 1_000, scoreParams: { retainScore: 1_000 } }),
    },
  })
  const pubsub = node.services.pubsub as Inside
  const time = { wallMs: 1e12, steadyMs: 0 }
  vi.spyOn(Date, 'now').mockImplementation(() => time.wallMs)
  const pass = (ms: number, setMs = 0) => {
    time.wallMs += ms + setMs
    time.steadyMs += ms
  }
  const clocks = { wall: () => time.wallMs, steady: () => time.steadyMs }
  return { pubsub, pass, clock: createGossipClock(pubsub, 1_000, clocks) }
}

describe('gossip whose clock is set', () => {
  test.each([
    ['back', -HOURS],
    ['forward', HOURS],
  ])('%s remembers from then on what comes, for as long as it should', async (_, setMs) => {
    const { pubsub, pass, clock } = await setting()
    pubsub.seenCache.put('before')
    pubsub.doAddBackoff('peer', 'topic', 1_000)
    pubsub.score.addPeer('gone')
    pubsub.score.removePeer('gone')
    pass(10, setMs)
    expect(clock.look()).toBe(true)
    expect(pubsub.backoff.size).toBe(0)
    pubsub.seenCache.put('after')
    pass(1_500)
    pubsub.seenCache.prune()
    pubsub.score.refreshScores()
    expect(pubsub.seenCache.has('after')).toBe(false)
    expect(pubsub.score.peerStats.size).toBe(0)
  })

  test('would throw nothing away for two hours by itself', async () => {
    const { pubsub, pass } = await setting()
    pubsub.seenCache.put('before')
    pass(10, -HOURS)
    pubsub.seenCache.put('after')
    pass(HOURS - 60_000)
    pubsub.seenCache.prune()
    expect(pubsub.seenCache.has('after')).toBe(true)
  })

  test('forgets nothing as long as it only goes a little wrong', async () => {
    const { pubsub, pass, clock } = await setting()
    pubsub.seenCache.put('before')
    for (let looks = 0; looks < 100; looks++) {
      pass(10_000, looks % 2 === 0 ? 500 : -500)
      expect(clock.look()).toBe(false)
    }
    expect(pubsub.seenCache.has('before')).toBe(true)
  })
})
