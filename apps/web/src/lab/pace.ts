/**
 * Holds the time of a simulated swarm until the true computations that are due by then have ended:
 * no peer is late because this tab computes slowly.
 */
export class Pace {
  private readonly due = new Map<Promise<unknown>, number>()

  /** @param dueMs virtual time that does not pass before this work has ended. */
  async of<Output>(dueMs: number, work: Promise<Output>): Promise<Output> {
    this.due.set(work, dueMs)
    try {
      return await work
    } finally {
      this.due.delete(work)
    }
  }

  /** The virtual time up to which the swarm may go on, in ms. */
  get untilMs(): number {
    return Math.min(...this.due.values())
  }
}
