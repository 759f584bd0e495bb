import {
  ANSWER_RESERVE_MS,
  ANSWER_RESERVE_PULL_MS,
  ERAS_MAX,
  FIRST_PROVIDER_MS,
  NO_HOST_GRACE_MS,
  STALL_MS_MAX,
} from '../limits.ts'
import type { ClassifyPolicy } from '../request.ts'
import type { Activation, Claim, PeerId, RequestId, Step } from '../wire/messages.ts'
import { BELIEF_FACTOR, HELD_UP_SHARE, RESCUES_MAX } from './limits.ts'

/** Why no further hop is waited for. */
export type Closing = 'complete' | 'confident' | 'uncovered' | 'deadline'

/**
 * A request on its way, as its requester sees it.
 *
 * 1. Its newest step is replaced by one that supersedes it, or by an older one in a new era.
 * 2. The trail holds the known steps on whose route the newest goes on, oldest first.
 * 3. Once it is closing no further step is taken over.
 * 4. Whoever is at work is believed for a bounded time, each later hop anew.
 */
export class Pending {
  readonly policy: ClassifyPolicy
  readonly stem: Step
  readonly startedMs: number
  /** When everybody in the lane has announced itself once, milliseconds. */
  laneKnownAtMs: number
  /** Those who were told that others are ahead of them. */
  readonly strays = new Set<PeerId>()
  private step: Step
  /** The steps that led to the newest, oldest first. */
  private readonly trail: Step[] = []
  private movedAtMs: number
  private offersAgain = 0
  private uncoveredSinceMs: number | undefined
  /** Whoever is at work on the newest step is waited for no longer than this, however often it says so. */
  private believedUntilMs: number | undefined
  /** And whatever is said of the newest step, nobody holds the request up for longer than this. */
  private heldUpUntilMs = 0
  /** The furthest hop that somebody is said to be at work on. */
  private heardHop = 0
  private closes: Closing | undefined
  private wasLeft = false

  /**
   * @param stem the first step, as it is published now.
   * @param laneKnownAtMs when everybody in the lane has announced itself to its requester once.
   */
  constructor(stem: Step, policy: ClassifyPolicy, laneKnownAtMs: number, nowMs: number) {
    this.laneKnownAtMs = laneKnownAtMs
    this.stem = stem
    this.policy = policy
    this.startedMs = nowMs
    this.step = stem
    this.movedAtMs = nowMs
    this.isNewAt(nowMs)
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

  /** The request was left to whoever answers first at some step, so the whole lane may follow it. */
  get isPublic(): boolean {
    return this.wasLeft
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
    if (step.next === undefined) this.wasLeft = true
    const tookMs = nowMs - this.movedAtMs
    const isUsual = this.offersAgain === 0 && tookMs > 0
    this.trail.push(this.step)
    while (this.trail.length > 0 && !isPrefix(this.trail.at(-1) as Step, step)) this.trail.pop()
    this.step = step
    this.isNewAt(nowMs)
    // Whoever goes on from it may be heard of before the step itself.
    const isHeard = this.heardHop >= step.route.length
    this.movedAtMs = isHeard ? Math.max(this.movedAtMs, nowMs) : nowMs
    if (!isHeard) this.believedUntilMs = undefined
    this.offersAgain = 0
    this.uncoveredSinceMs = undefined
    return isUsual ? tookMs : undefined
  }

  /** The newest step is said again, for somebody else or for whoever answers first. */
  rename(next: PeerId | undefined, nowMs: number): void {
    if (next === this.step.next) return
    if (next === undefined) this.wasLeft = true
    this.step = { ...this.step, next }
    this.believedUntilMs = undefined
    this.movedAtMs = Math.max(this.movedAtMs, Math.min(nowMs, this.heldUpUntilMs))
  }

  /**
   * Somebody works on the newest step, or on one that follows it and was not heard of here, for so long: a stall
   * is judged from the end of the claim.
   */
  claimed({ ttlMs, hop }: Pick<Claim, 'ttlMs' | 'hop'>, stallMs: number, nowMs: number): void {
    // Each step is work of its own.
    if (hop > this.heardHop) this.believedUntilMs = undefined
    this.heardHop = Math.max(this.heardHop, hop)
    this.believedUntilMs ??= nowMs + BELIEF_FACTOR * ttlMs + stallMs
    const ownMs = Math.min(ttlMs, STALL_MS_MAX)
    const mostMs = Math.min(this.believedUntilMs, this.heldUpUntilMs, this.deadlineMs)
    const endMs = Math.min(nowMs + ownMs, mostMs)
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

  /** Nothing has moved for longer than a lane usually takes, and nobody here waits for whoever was named. */
  isStalled(stallMs: number, nowMs: number): boolean {
    return nowMs >= this.stalledAtMs(stallMs)
  }

  /** When one of these is due next, milliseconds. */
  wakeAtMs(stallMs: number): number {
    if (this.closes !== undefined) return this.deadlineMs
    return Math.min(
      this.deadlineMs - this.reserveMs(),
      this.stalledAtMs(stallMs),
      this.abandonedAtMs(),
    )
  }

  /**
   * Nothing moves: goes back to the step before, in a new era, and opens again.
   * @returns whoever was to go on, as far as is known.
   */
  goBack(nowMs: number): PeerId | undefined {
    const suspect = this.step.next ?? this.step.route.at(-1)?.peer
    const isLastResort = ++this.offersAgain > RESCUES_MAX
    // The first step has no author but this member: it is only said again, and ends nobody's work on it.
    const isFirst = this.step.route.length === 0 && this.offersAgain % RESCUES_MAX !== 0
    const era = Math.min(this.step.era + (isFirst ? 0 : 1), ERAS_MAX)
    const from = isLastResort ? this.stem : (this.trail.pop() ?? this.stem)
    if (isLastResort) this.trail.length = 0
    this.heardHop = 0
    this.isNewAt(nowMs)
    this.closes = undefined
    this.believedUntilMs = undefined
    this.movedAtMs = nowMs
    this.step = { ...from, era, next: undefined }
    return suspect
  }

  /** Asking authors to choose again was not enough: from now on whoever answers first goes on. */
  get isDesperate(): boolean {
    return this.offersAgain > RESCUES_MAX
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

  /** Answers without the last visit, if the step before has enough layers. @returns whether it has. */
  dropLast(): boolean {
    const before = this.trail.at(-1)
    if (before === undefined || before.route.length < this.leastHops) return false
    this.step = before
    this.trail.pop()
    return true
  }

  /** The newest step is another than before. */
  private isNewAt(nowMs: number): void {
    this.heldUpUntilMs = nowMs + HELD_UP_SHARE * (this.deadlineMs - nowMs)
  }

  private stalledAtMs(stallMs: number): number {
    // Of its own first step this member is the author, who waits for whoever it named and names the next one.
    const isLed = this.step.route.length === 0 && this.step.next !== undefined
    // Going back brings no host for layers that nobody hosts.
    const isAlone = this.uncoveredSinceMs !== undefined && this.step.route.length > 0
    return isLed || isAlone ? Number.POSITIVE_INFINITY : this.movedAtMs + stallMs
  }

  private abandonedAtMs(): number {
    if (this.uncoveredSinceMs === undefined) return Number.POSITIVE_INFINITY
    if (this.step.route.length === 0) return this.uncoveredSinceMs + FIRST_PROVIDER_MS
    return Math.max(this.uncoveredSinceMs, this.laneKnownAtMs) + NO_HOST_GRACE_MS
  }

  private reserveMs(): number {
    if (this.step.activation.place === 'inline') return ANSWER_RESERVE_MS
    return Math.min(ANSWER_RESERVE_PULL_MS, this.policy.deadlineMs / 10)
  }
}

/** Whether `longer` goes on with the route of `step`. */
export function isPrefix({ route }: Step, longer: Step): boolean {
  return (
    route.length < longer.route.length &&
    route.every(({ layer, peer }, i) => {
      const other = longer.route[i]
      return layer === other?.layer && peer === other.peer
    })
  )
}
