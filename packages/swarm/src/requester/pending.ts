import {
  ANSWER_RESERVE_MS,
  ANSWER_RESERVE_PULL_MS,
  ERAS_MAX,
  FIRST_PROVIDER_MS,
  NO_HOST_GRACE_MS,
} from '../limits.ts'
import type { ClassifyPolicy } from '../request.ts'
import type { Activation, RequestId, Step } from '../wire/messages.ts'

/** Why no further hop is waited for. */
export type Closing = 'complete' | 'confident' | 'uncovered' | 'deadline'

/**
 * A request on its way, as its requester sees it.
 *
 * 1. Its newest step is replaced by one that supersedes it, or by an older one in a new era.
 * 2. The step before is the one that the newest follows; where that is not known there is none.
 * 3. Once it is closing no further step is taken over.
 */
export class Pending {
  readonly policy: ClassifyPolicy
  readonly stem: Step
  readonly startedMs: number
  private step: Step
  private before: Step | undefined
  private movedAtMs: number
  private offersAgain = 0
  private uncoveredSinceMs: number | undefined
  private closes: Closing | undefined

  /** @param stem the first step, as it is published now. */
  constructor(stem: Step, policy: ClassifyPolicy, nowMs: number) {
    this.stem = stem
    this.policy = policy
    this.startedMs = nowMs
    this.step = stem
    this.movedAtMs = nowMs
  }

  get request(): RequestId {
    return this.stem.request
  }

  get deadlineMs(): number {
    return this.startedMs + this.policy.deadlineMs
  }

  get newest(): Step {
    return this.step
  }

  get closing(): Closing | undefined {
    return this.closes
  }

  /** The fewest layers that an answer may have. */
  get leastHops(): number {
    return Math.max(1, this.policy.minLayers)
  }

  /** The newest step as it is published now. */
  message(nowMs: number): Step {
    return { ...this.step, remainingMs: this.deadlineMs - nowMs }
  }

  /**
   * Goes on to a step that supersedes the newest.
   * @returns how long that took, milliseconds; undefined where it had to be asked for twice or came
   * with another, which says nothing of the lane's usual pace.
   */
  advance(step: Step, nowMs: number): number | undefined {
    const { era, route } = this.step
    const isNext = step.era === era && step.route.length === route.length + 1
    const tookMs = nowMs - this.movedAtMs
    const isUsual = this.offersAgain === 0 && tookMs > 0
    this.before = isNext ? this.step : undefined
    this.step = step
    this.movedAtMs = nowMs
    this.offersAgain = 0
    this.uncoveredSinceMs = undefined
    return isUsual ? tookMs : undefined
  }

  /** Somebody works on the newest step for so long: a stall is judged from the end of the claim. */
  claimed(ttlMs: number, stallMs: number, nowMs: number): void {
    const endMs = Math.min(nowMs + ttlMs, this.deadlineMs)
    this.movedAtMs = Math.max(this.movedAtMs, endMs - stallMs)
  }

  /** Whether somebody alive hosts a layer that may come next. */
  judgeCoverage(isCovered: boolean, nowMs: number): void {
    if (isCovered) this.uncoveredSinceMs = undefined
    else this.uncoveredSinceMs ??= nowMs
  }

  /** The layers left have been without a host for long enough. */
  isAbandoned(nowMs: number): boolean {
    return nowMs >= this.abandonedAtMs()
  }

  /** It is time to get scores for what there is. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.deadlineMs - this.reserveMs()
  }

  /** Nothing has moved for longer than a lane usually takes. */
  isStalled(stallMs: number, nowMs: number): boolean {
    return nowMs >= this.movedAtMs + stallMs
  }

  /** When one of these is due next, milliseconds. */
  wakeAtMs(stallMs: number): number {
    if (this.closes !== undefined) return this.deadlineMs
    return Math.min(
      this.deadlineMs - this.reserveMs(),
      this.movedAtMs + stallMs,
      this.abandonedAtMs(),
    )
  }

  /**
   * Nothing moves, so it is offered again. When asking once more was not enough, a step that others
   * know and this peer missed, or a tensor that died with its holder, blocks the way: a new era makes
   * the lane forget it.
   */
  offerAgain(nowMs: number): void {
    this.movedAtMs = nowMs
    this.offersAgain++
    if (this.offersAgain <= 1 || this.step.era >= ERAS_MAX) return
    this.returnTo(this.step.activation.place === 'inline' ? this.step : (this.before ?? this.stem))
    this.offersAgain = 0
  }

  /** Goes back to the step before, in a new era, and opens again. */
  goBack(nowMs: number): void {
    this.closes = undefined
    this.movedAtMs = nowMs
    this.returnTo(this.before ?? this.stem)
  }

  /** The newest step's tensor can be had in another place. */
  moveTensor(activation: Activation): void {
    this.step = { ...this.step, activation }
  }

  close(closing: Closing): void {
    this.closes = closing
  }

  /** What is answered is this step, not a newer one. */
  settleOn(step: Step): void {
    this.step = step
  }

  /** Answers without the last layer, if the step before has enough of them. @returns whether it has. */
  dropLast(): boolean {
    if (this.before === undefined || this.before.route.length < this.leastHops) return false
    this.step = this.before
    this.before = undefined
    return true
  }

  private returnTo(step: Step): void {
    this.step = { ...step, era: this.step.era + 1 }
    this.before = undefined
  }

  private abandonedAtMs(): number {
    if (this.uncoveredSinceMs === undefined) return Number.POSITIVE_INFINITY
    const graceMs = this.step.route.length === 0 ? FIRST_PROVIDER_MS : NO_HOST_GRACE_MS
    return this.uncoveredSinceMs + graceMs
  }

  private reserveMs(): number {
    if (this.step.activation.place === 'inline') return ANSWER_RESERVE_MS
    return Math.min(ANSWER_RESERVE_PULL_MS, this.policy.deadlineMs / 10)
  }
}
