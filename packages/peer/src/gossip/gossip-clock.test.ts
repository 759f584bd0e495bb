import type { GossipSub } from '@libp2p/gossipsub'
import { afterEach, expect, test, vi } from 'vitest'
import { createTestNode } from '../testing/test-nodes.ts'
import { watchGossipClock } from './gossip-clock.ts'

/** What of gossip is looked at here. */
type Inside = GossipSub & {
  readonly seenCache: { put(key: string): void; has(key: string): boolean }
  doAddBackoff(peer: string, topic: string, ms: number): void
  readonly backoff: Map<string, unknown>
}

afterEach(() => vi.restoreAllMocks())

test.each([
  ['back', -7_200_000],
  ['forward', 7_200_000],
])('gossip whose clock is set %s remembers nothing that it dated before', async (_, setMs) => {
  const { node } = await createTestNode({ over: 'memory' })
  const pubsub = node.services.pubsub as Inside
  const end = watchGossipClock(pubsub, 20)
  pubsub.seenCache.put('before')
  pubsub.doAddBackoff('peer', 'topic', 60_000)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect([pubsub.seenCache.has('before'), pubsub.backoff.size]).toEqual([true, 1])
  const { now } = Date
  vi.spyOn(Date, 'now').mockImplementation(() => now() + setMs)
  await vi.waitFor(() => {
    expect([pubsub.seenCache.has('before'), pubsub.backoff.size]).toEqual([false, 0])
  })
  end()
  await node.stop()
})
