import type { Pace } from './pace.ts'
import type { Scout } from './scout.ts'
import type { Work } from './work.ts'

/** A provider's load and speed as plain data; times in milliseconds. */
export interface ThroughputState {
  /** Layers delivered so far. */
  readonly served: number
  readonly layerMs: number
  readonly timeShare: number
  readonly running: number
  readonly restsUntilMs: number
}

/** What a provider tells others of its load and speed, and when that has changed. */
export class Throughput {
  private readonly work: Work
  private readonly pace: Pace
  private readonly scout: Scout
  private wasMeasured = false

  constructor(work: Work, pace: Pace, scout: Scout) {
    this.work = work
    this.pace = pace
    this.scout = scout
  }

  state(): ThroughputState {
    const { served, layerMs } = this.pace
    const { timeShare, size, restsUntilMs } = this.work
    return { served, layerMs, timeShare, running: size, restsUntilMs }
  }

  /** Free slots and the time from one run to the next, milliseconds, for an announcement that goes out now. */
  announce(): { freeSlots: number; layerMs: number; measured: boolean } {
    this.pace.usual = this.scout.usualLayerMs()
    const layerMs = this.work.paceMs(this.pace.layerMs)
    this.pace.announced(layerMs)
    this.wasMeasured = this.pace.isMeasured
    return { freeSlots: this.work.freeSlots, layerMs, measured: this.pace.isMeasured }
  }

  /** Whether it has been measured since the others heard that it was not. */
  get isNewlyMeasured(): boolean {
    return this.pace.isMeasured && !this.wasMeasured
  }

  /** A presence interval is over. */
  intervalPassed(): void {
    this.pace.idle()
  }

  /** By how much the speed differs from what was announced, milliseconds. */
  changeMs(): number {
    return Math.abs(this.work.paceMs(this.pace.layerMs) - this.pace.announcedMs)
  }
}
