import type { GossipSub } from '@libp2p/gossipsub'
import { CLOCK_JUMP_MS_MIN, CLOCK_LOOK_MS, GOSSIP_SCORE_KEPT_MS } from '../limits.ts'

/** What of gossip depends on the wall clock; its types do not name it. */
interface Dated {
  readonly seenCache: { clear(): void }
  readonly fastMsgIdCache?: { clear(): void }
  readonly backoff: Map<string, unknown>
  readonly gossipTracer: { clear(): void }
  readonly score: { readonly peerStats: Map<string, { connected: boolean; expire: number }> }
}

/**
 * Gossip dates what it remembers by the wall clock, which people and network time set. When it is set back
 * by two hours, for two hours no number of a message is thrown away (the cache is in order of time, and
 * cleaned up to the first that is not due) and nobody comes into the mesh again who was pruned. All of it is
 * kept for minutes at most: it begins anew at a jump, and the gate knows old news by itself.
 * @returns ends it.
 */
export function watchGossipClock(pubsub: GossipSub, lookMs: number = CLOCK_LOOK_MS): () => void {
  const { seenCache, fastMsgIdCache, backoff, gossipTracer, score } = pubsub as GossipSub & Dated
  const measure = () => Date.now() - performance.now()
  let apartMs = measure()
  const timer = setInterval(() => {
    const beforeMs = apartMs
    apartMs = measure()
    if (Math.abs(apartMs - beforeMs) < CLOCK_JUMP_MS_MIN) return
    for (const part of [seenCache, fastMsgIdCache, backoff, gossipTracer]) part?.clear()
    for (const stats of score.peerStats.values()) {
      if (!stats.connected) stats.expire = Date.now() + GOSSIP_SCORE_KEPT_MS
    }
  }, lookMs)
  return () => clearInterval(timer)
}
