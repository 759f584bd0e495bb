/** How a lenience moves. */
export interface LenienceBounds {
  /** It grows by this factor for each that comes late. */
  readonly growth: number
  /** And shrinks by this one for each in time. */
  readonly decay: number
  /** The most, in times of the usual. */
  readonly most: number
}

/** How many times as long as usual is waited: more where those that were given up come after all. */
export class Lenience {
  private readonly bounds: LenienceBounds
  private times = 1

  constructor(bounds: LenienceBounds) {
    this.bounds = bounds
  }

  /** In times of the usual, at least 1. */
  get factor(): number {
    return this.times
  }

  /** Somebody, or something, has come. @param isLate after it had been given up. */
  came(isLate: boolean): void {
    const { growth, decay, most } = this.bounds
    this.times = isLate ? Math.min(most, this.times * growth) : Math.max(1, this.times * decay)
  }
}
