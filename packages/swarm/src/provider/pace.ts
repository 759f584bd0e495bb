import { IDLE_FACTOR, IDLE_FACTOR_MAX, REFUTED_FACTOR, RUN_WEIGHT, TRIED_FACTOR } from './limits.ts'

/**
 * How fast a provider believes to be: a moving average of its layer runs.
 *
 * 1. A provider that got no work between two announcements believes itself a little faster, down to what
 *    is usual. Otherwise one slow measurement (a cold start, a busy moment) would rank it last for ever.
 *    Each time that a run refutes the belief, the next doubt takes twice as long to grow.
 * 2. The longer ago the last run, the more one more counts; the discount for idle times ends with it.
 * 3. It ranks itself by what it last announced, because others rank it by that.
 */
export class Pace {
  private averageMs = 1
  private usualMs = 1
  private hasRun = false
  /** Of the belief, what is left after an idle interval. */
  private idleFactor = IDLE_FACTOR
  /** What of the average is believed, 0 … 1. */
  private idleDiscount = 1
  private ranAtLastAnnouncement = 0
  private runs = 0
  private lastAnnouncedMs = 1

  /** One layer run as this provider expects it, milliseconds; what is usual before the first. */
  get layerMs(): number {
    if (!this.hasRun) return this.usualMs
    return Math.max(this.averageMs * this.idleDiscount, Math.min(this.averageMs, this.usualMs))
  }

  /** The same, but as others of the lane say until one was measured here. @param usualMs what they take; asked only then. */
  expectedMs(usualMs: () => number): number {
    return this.hasRun ? this.layerMs : Math.max(this.layerMs, usualMs())
  }

  /** What others of the lane take for a layer, milliseconds. */
  set usual(ms: number) {
    this.usualMs = ms
  }

  /** Whether it has run a layer of this release. */
  get isMeasured(): boolean {
    return this.hasRun
  }

  /** What others have last heard, milliseconds from the start of one run until the next may begin. */
  get announcedMs(): number {
    return this.lastAnnouncedMs
  }

  /** Layers that it has delivered. */
  get served(): number {
    return this.runs
  }

  /** A run took so long, milliseconds. @param delivered others have got its result. */
  ran(ms: number, delivered: boolean): void {
    if (this.hasRun && this.idleDiscount < 1) this.judgeBelief(ms)
    const weight = this.hasRun ? Math.max(RUN_WEIGHT, 1 - this.idleDiscount) : 1
    this.averageMs += (ms - this.averageMs) * weight
    this.hasRun = true
    this.idleDiscount = 1
    if (delivered) this.runs++
  }

  /** A run after idle intervals shows whether it was right to believe itself faster. */
  private judgeBelief(ms: number): void {
    const { layerMs } = this
    if (ms <= REFUTED_FACTOR * layerMs) this.idleFactor = IDLE_FACTOR
    // Others act on what is nearly usual; before that nothing was tried.
    else if (layerMs < TRIED_FACTOR * this.usualMs)
      this.idleFactor = Math.min(IDLE_FACTOR_MAX, Math.sqrt(this.idleFactor))
  }

  /** Called once per presence. */
  idle(): void {
    if (this.runs === this.ranAtLastAnnouncement) this.idleDiscount *= this.idleFactor
    this.ranAtLastAnnouncement = this.runs
  }

  announced(ms: number): void {
    this.lastAnnouncedMs = ms
  }
}
