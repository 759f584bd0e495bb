import { REST_MS_MAX } from '../limits.ts'

/**
 * Keeps a provider's layer runs to a share of the time.
 *
 * 1. With a share below 1 there is one run at a time, and after it a rest: together as long as the
 *    run divided by the share.
 * 2. Work is what passes between the start and the end of a run, superseded runs included.
 */
export class Duty {
  private given: number
  private running = 0
  private sinceMs = 0
  private restUntilMs = Number.NEGATIVE_INFINITY

  constructor(share: number) {
    this.given = share
  }

  /** Above 0, at most 1. */
  get share(): number {
    return this.given
  }

  /** Of so many places for layer runs, those that the share leaves. */
  slots(most: number): number {
    return this.share < 1 ? Math.min(1, most) : most
  }

  /** What a run costs in time until the next one may begin, milliseconds. */
  paceMs(layerMs: number): number {
    return layerMs / this.share
  }

  /** When work may be taken again; in the past for a provider that is not resting. */
  get restsUntilMs(): number {
    return this.restUntilMs
  }

  /** A longer share ends a rest, which was reckoned by the shorter one. */
  setShare(share: number): void {
    if (share > this.share) this.restUntilMs = Number.NEGATIVE_INFINITY
    this.given = share
  }

  runBegan(nowMs: number): void {
    if (this.running === 0) this.sinceMs = nowMs
    this.running += 1
  }

  runEnded(nowMs: number): void {
    this.running -= 1
    if (this.running > 0) return
    const restMs = (nowMs - this.sinceMs) * (1 / this.share - 1)
    this.restUntilMs = nowMs + Math.min(restMs, REST_MS_MAX)
  }
}
