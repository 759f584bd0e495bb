import type { GossipSub } from '@libp2p/gossipsub'
import { CLOCK_JUMP_MS_MIN } from './limits.ts'

/**
 * Gossip dates what it remembers by the wall clock. When that is set back by two hours, for two hours it
 * throws away no number of a message (its cache is in order of time, and stops at the first that is not due)
 * and takes nobody into its mesh again whom it had pruned. All of it is kept for two minutes at most anyway:
 * it begins anew at a jump, and the gate knows old news by itself.
 */
export interface GossipClock {
  /** To be called every few seconds. @returns whether the clock has been set since the last time. */
  look(): boolean
}

/** What of gossip depends on the wall clock; its types do not name it. */
interface Dated {
  readonly seenCache: { clear(): void }
  readonly fastMsgIdCache?: { clear(): void }
  readonly backoff: Map<string, unknown>
  readonly gossipTracer: { clear(): void }
  readonly score: { readonly peerStats: Map<string, { connected: boolean; expire: number }> }
}

/** Both clocks in milliseconds. */
interface Clocks {
  wall(): number
  /** Is never set. */
  steady(): number
}

const SYSTEM: Clocks = { wall: () => Date.now(), steady: () => performance.now() }

/** @param keptMs how long gossip keeps the score of a peer that has left. */
export function createGossipClock(
  pubsub: GossipSub,
  keptMs: number,
  { wall, steady }: Clocks = SYSTEM,
): GossipClock {
  const dated = pubsub as GossipSub & Dated
  let apartMs = wall() - steady()
  return {
    look() {
      const beforeMs = apartMs
      apartMs = wall() - steady()
      if (Math.abs(apartMs - beforeMs) < CLOCK_JUMP_MS_MIN) return false
      for (const part of [dated.seenCache, dated.fastMsgIdCache, dated.backoff, dated.gossipTracer])
        part?.clear()
      for (const stats of dated.score.peerStats.values())
        if (!stats.connected) stats.expire = wall() + keptMs
      return true
    },
  }
}
