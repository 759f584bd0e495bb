import { BURST_LAYERS, WORK_SHARE } from './limits.ts'

/**
 * Why layers are to be run again: a dispute, or somebody that another has found out; a stranger; somebody who was
 * found right before.
 */
export type Need = 'urgent' | 'stranger' | 'known'

/** What is to be left of the budget: half of a burst for strangers; what is urgent may borrow a whole one. */
const LEFT: Readonly<Record<Need, number>> = {
  urgent: -BURST_LAYERS,
  stranger: 0,
  known: BURST_LAYERS / 2,
}

/**
 * How many layers may be run again, by how many were run for this member: an honest swarm pays WORK_SHARE, and what
 * BURST_LAYERS allow at first. Of what was not spent no more than a burst is kept.
 */
export class WorkBudget {
  private layers = BURST_LAYERS

  /** Layers were run for this member. */
  earned(layers: number): void {
    this.layers = Math.min(BURST_LAYERS, this.layers + WORK_SHARE * layers)
  }

  /** Takes so many layers, if they are to be had. */
  take(layers: number, need: Need): boolean {
    if (this.layers - layers < LEFT[need]) return false
    this.layers -= layers
    return true
  }
}
