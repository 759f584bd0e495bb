import type { Effect } from '../effects.ts'
import type { Bidding } from './bidding.ts'
import type { Contest } from './contest.ts'
import type { Pace } from './pace.ts'
import type { Scout } from './scout.ts'
import type { Work } from './work.ts'

/** What errands share with the provider's other parts. */
export interface ErrandsNeeds {
  readonly work: Work
  readonly pace: Pace
  readonly bidding: Bidding
  readonly contest: Contest
  readonly scout: Scout
}

/**
 * Layer runs of a provider that are no visit of a tour: they take its slots, its rests and its speed like those.
 *
 * 1. What was begun is ended once.
 */
export class Errands {
  private readonly needs: ErrandsNeeds

  constructor(needs: ErrandsNeeds) {
    this.needs = needs
  }

  /** Whether one more would be taken on now. */
  isFree(nowMs: number): boolean {
    const { bidding, work } = this.needs
    return bidding.isOpen && !bidding.isAiling(nowMs) && work.restsUntilMs <= nowMs
  }

  /** Layer runs that wait here. */
  get pending(): number {
    return this.needs.work.size
  }

  /** What a layer takes here, as believed; and whether that was measured. */
  get layerMs(): { ms: number; isMeasured: boolean } {
    const { pace, scout } = this.needs
    return { ms: pace.expectedMs(() => scout.usualLayerMs()), isMeasured: pace.isMeasured }
  }

  /** It has a slot now. */
  began(): void {
    this.needs.work.errandBegan()
  }

  /** Its tensor is here: the engine begins. */
  runBegan(nowMs: number): void {
    this.needs.work.errandRuns(nowMs)
  }

  /** One layer has run. */
  ran(ms: number, isWanted: boolean): void {
    this.needs.pace.ran(ms, isWanted)
  }

  /** The engine is done with it, or has failed. */
  runEnded(isFailed: boolean, nowMs: number): void {
    this.needs.work.runEnded(nowMs)
    if (isFailed) this.needs.bidding.ails(nowMs)
  }

  /** Its slot is free. */
  ended(nowMs: number): Effect[] {
    this.needs.work.errandEnded()
    return this.needs.contest.bidOnIdle(nowMs)
  }
}
