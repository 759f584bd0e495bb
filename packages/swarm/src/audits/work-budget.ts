import { BURST_LAYERS, HOSTILE_BURST_LAYERS, HOSTILE_SHARE, WORK_SHARE } from './limits.ts'

/**
 * How many layers may be run again, by how many were run for this member: an honest swarm pays WORK_SHARE, and what
 * BURST_LAYERS allow at first.
 *
 * 1. Once this member has found a liar itself it may spend more: what others say raises nothing.
 * 2. Of what was not spent no more than a burst is kept.
 */
export class WorkBudget {
  private layers = BURST_LAYERS
  private isHostile = false

  /** Layers were run for this member. */
  earned(layers: number): void {
    const { share, most } = this.rate
    this.layers = Math.min(most, this.layers + share * layers)
  }

  /** A liar was found. */
  metLiar(): void {
    if (!this.isHostile) this.layers += HOSTILE_BURST_LAYERS - BURST_LAYERS
    this.isHostile = true
  }

  /** Takes so many layers, if they are to be had. @param isUrgent a dispute: it may borrow a burst. */
  take(layers: number, isUrgent = false): boolean {
    const least = isUrgent ? -this.rate.most : 0
    if (this.layers - layers < least) return false
    this.layers -= layers
    return true
  }

  private get rate() {
    return this.isHostile
      ? { share: HOSTILE_SHARE, most: HOSTILE_BURST_LAYERS }
      : { share: WORK_SHARE, most: BURST_LAYERS }
  }
}
