import { BURST_LAYERS, WORK_SHARE } from './limits.ts'

/**
 * How many layers may be run again, by how many were run for this member: an honest swarm pays WORK_SHARE, and what
 * BURST_LAYERS allow at first.
 *
 * 1. Once this member has found a liar itself, everything that is drawn may be run again: finding the others out is
 *    worth it, and what others say lifts nothing.
 * 2. Of what was not spent no more than a burst is kept.
 */
export class WorkBudget {
  private layers = BURST_LAYERS
  private isHostile = false

  /** Layers were run for this member. */
  earned(layers: number): void {
    this.layers = Math.min(BURST_LAYERS, this.layers + WORK_SHARE * layers)
  }

  /** A liar was found. */
  metLiar(): void {
    this.isHostile = true
  }

  /** Takes so many layers, if they are to be had. @param isUrgent a dispute, or somebody that another has found out: it may borrow a burst. */
  take(layers: number, isUrgent = false): boolean {
    if (this.isHostile) return true
    if (this.layers - layers < (isUrgent ? -BURST_LAYERS : 0)) return false
    this.layers -= layers
    return true
  }
}
