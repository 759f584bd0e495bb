import {
  countLanes,
  type LaneCount,
  type PeerId,
  PRESENCE_TTL_MS,
  type Presence,
} from '@layerswarm/swarm'
import { CENSUS_AGE_MS } from '../limits.ts'

/**
 * How full the lanes are, as a bootstrap node sees it: by what members announced, and no better. Whoever
 * crashed is counted until its presence has lapsed, and an answer is up to CENSUS_AGE_MS old.
 */
export class LaneCensus {
  private readonly layers: number
  private readonly announced = new Map<PeerId, { presence: Presence; atMs: number }>()
  private last: { counts: readonly LaneCount[]; atMs: number } | undefined

  /** @param layers of the model. */
  constructor(layers: number) {
    this.layers = layers
  }

  hear(peer: PeerId, presence: Presence, nowMs: number): void {
    // The longest silent come first, as entries move to the end when they are renewed.
    this.announced.delete(peer)
    if (!presence.leaving) this.announced.set(peer, { presence, atMs: nowMs })
  }

  counts(nowMs: number): readonly LaneCount[] {
    if (this.last !== undefined && nowMs < this.last.atMs + CENSUS_AGE_MS) return this.last.counts
    for (const [peer, { atMs }] of this.announced) {
      if (nowMs < atMs + PRESENCE_TTL_MS) break
      this.announced.delete(peer)
    }
    const members = [...this.announced.values()].map(({ presence }) => presence)
    const counts = countLanes(members, this.layers)
    this.last = { counts, atMs: nowMs }
    return counts
  }
}
