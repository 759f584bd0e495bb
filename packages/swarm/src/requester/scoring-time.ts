import { ResponseTime } from '../claims/response-time.ts'
import type { Step } from '../wire/messages.ts'
import {
  HEAD_MS_MAX,
  HEAD_MS_MIN,
  HEAD_MS_UNKNOWN,
  PULL_MS_MAX,
  PULL_MS_MIN,
  PULL_MS_UNKNOWN,
} from './limits.ts'

/**
 * How long it takes here to have the scores of a step: to fetch its tensor and to run the head. By the clock, so
 * the wait for an engine that does other work, and whatever else a busy machine takes, is part of it.
 */
export class ScoringTime {
  private head: ResponseTime | undefined
  private pull: ResponseTime | undefined

  /** @param ms from when the head was to run to its scores. */
  headRan(ms: number): void {
    this.head ??= new ResponseTime()
    this.head.observe(ms)
  }

  /** @param ms from when a tensor was wanted to when it was here. */
  pulled(ms: number): void {
    this.pull ??= new ResponseTime()
    this.pull.observe(ms)
  }

  /** What the scores of a step hardly ever take longer than, milliseconds. */
  mostMs({ activation }: Step): number {
    const headMs = this.head?.patienceMs(HEAD_MS_MIN, HEAD_MS_MAX) ?? HEAD_MS_UNKNOWN
    if (activation.place === 'inline') return headMs
    return headMs + (this.pull?.patienceMs(PULL_MS_MIN, PULL_MS_MAX) ?? PULL_MS_UNKNOWN)
  }
}
