/**
 * How long a lane takes from a step to the next sign of work on it: delivery, claim or short layer
 * run, delivery. Smoothed mean plus four smoothed deviations, as TCP does for its retransmission
 * timer (RFC 6298, section 2): an answer later than that is worth doubting.
 */
export class ResponseTime {
  private mean = 0
  private deviation = 0
  private samples = 0

  /** @param ms time from a step to its successor or to a claim on it. */
  observe(ms: number): void {
    if (this.samples++ === 0) {
      this.mean = ms
      this.deviation = ms / 2
      return
    }
    this.deviation += (Math.abs(ms - this.mean) - this.deviation) / 4
    this.mean += (ms - this.mean) / 8
  }

  /** The usual time, milliseconds; 0 before the first answer. */
  get typicalMs(): number {
    return this.mean
  }

  /** Milliseconds after which silence is suspicious, within the bounds given. */
  patienceMs(min: number, max: number): number {
    return Math.min(Math.max(this.mean + 4 * this.deviation, min), max)
  }
}
