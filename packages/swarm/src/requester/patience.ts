import { FIRST_PROVIDER_MS, NO_HOST_GRACE_MS, STALL_MS_MAX } from '../limits.ts'
import type { Claim, Step } from '../wire/messages.ts'
import {
  BELIEF_FACTOR,
  HELD_UP_SHARE,
  HURRY_FACTOR,
  HURRY_MS,
  HURRY_SHARE_MAX,
  SCORING_SHARE_MAX,
} from './limits.ts'

/** Why a requester waits no longer: its time is nearly over, nobody hosts what is left, or nothing moves. */
export type WaitEnd = 'deadline' | 'uncovered' | 'stalled'

/**
 * Since when nobody is known for what comes next, when everybody in the lane will have announced itself, and whether
 * later layers have hosts.
 */
interface Lack {
  readonly sinceMs: number
  readonly laneKnownAtMs: number
  readonly isGap: boolean
}

/** What patience asks of its request. */
export interface Scorable {
  /** What the scores of a step take at most, milliseconds. */
  scoringMs(step: Step): number
  /** Whether an answer may be had from a step. */
  isEnough(step: Step): boolean
}

const NEVER = Number.POSITIVE_INFINITY

/**
 * How long a request is waited for at the step where it stands.
 *
 * 1. Whoever is at work is believed for a bounded time, each later hop anew.
 * 2. No step holds the request up for more than its share of the time that was left when it came,
 *    whatever is said of it.
 * 3. Towards the deadline there is as much time left as getting the scores takes here.
 * 4. A layer of a release that keeps its order is waited for in vain no longer than that share either: what comes
 *    after it needs the rest.
 * 5. Nobody is asked to go back for want of a host: going back brings none.
 */
export class Patience {
  private readonly deadlineMs: number
  private readonly totalMs: number
  private readonly scorable: Scorable
  private movedAtMs: number
  private lack: Lack | undefined
  /** Whoever is at work on the newest step is waited for no longer than this, however often it says so. */
  private believedUntilMs: number | undefined
  /** And whatever is said of the newest step, nobody holds the request up for longer than this. */
  private heldUpUntilMs: number
  /** The furthest hop that somebody is said to be at work on. */
  private heardHop = 0

  /** @param deadlineMs when the request ends. */
  constructor(deadlineMs: number, scorable: Scorable, nowMs: number) {
    this.deadlineMs = deadlineMs
    this.totalMs = deadlineMs - nowMs
    this.scorable = scorable
    this.movedAtMs = nowMs
    this.heldUpUntilMs = this.holdUpEndMs(nowMs)
  }

  /** The request has come to a later step. @returns how long that took, milliseconds. */
  advanced({ route }: Step, nowMs: number): number {
    const tookMs = nowMs - this.movedAtMs
    this.heldUpUntilMs = this.holdUpEndMs(nowMs)
    // Whoever goes on from it may be heard of before the step itself.
    const isHeard = this.heardHop >= route.length
    this.movedAtMs = isHeard ? Math.max(this.movedAtMs, nowMs) : nowMs
    this.lack = undefined
    return tookMs
  }

  /** The newest step is for somebody else, or for whoever answers first. */
  renamed(nowMs: number): void {
    this.believedUntilMs = undefined
    this.movedAtMs = Math.max(this.movedAtMs, Math.min(nowMs, this.heldUpUntilMs))
  }

  /** The request has gone back to an earlier step. */
  wentBack(nowMs: number): void {
    this.heardHop = 0
    this.heldUpUntilMs = this.holdUpEndMs(nowMs)
    this.believedUntilMs = undefined
    this.movedAtMs = nowMs
  }

  /**
   * Somebody works on the newest step, or on one that follows it and was not heard of here, for so long: a stall
   * is judged from the end of the claim.
   */
  claimed({ ttlMs, hop }: Pick<Claim, 'ttlMs' | 'hop'>, stallMs: number, nowMs: number): void {
    // Each step is work of its own.
    if (hop > this.heardHop) this.believedUntilMs = undefined
    this.heard(hop)
    this.believedUntilMs ??= nowMs + BELIEF_FACTOR * ttlMs + stallMs
    const ownMs = Math.min(ttlMs, STALL_MS_MAX)
    const mostMs = Math.min(this.believedUntilMs, this.heldUpUntilMs, this.deadlineMs)
    const endMs = Math.min(nowMs + ownMs, mostMs)
    this.movedAtMs = Math.max(this.movedAtMs, endMs - stallMs)
  }

  /** Somebody is, or was, at work on this hop. */
  heard(hop: number): void {
    this.heardHop = Math.max(this.heardHop, hop)
  }

  /** Whether somebody has gone on from `step`, by what was heard of a later one. */
  isPassed({ route }: Step): boolean {
    return this.heardHop > route.length
  }

  /** Somebody alive hosts a layer that may come next, or none is needed. */
  covered(): void {
    this.lack = undefined
  }

  /**
   * Nobody is known to.
   * @param laneKnownAtMs when everybody in the lane has announced itself once.
   * @param isGap later layers have hosts, and the request can go on with those.
   */
  uncovered(laneKnownAtMs: number, nowMs: number, isGap = false): void {
    this.lack = { sinceMs: this.lack?.sinceMs ?? nowMs, laneKnownAtMs, isGap }
  }

  /** Why `step`, where the request stands, is waited at no longer; undefined while it is. */
  due(step: Step, stallMs: number, nowMs: number): WaitEnd | undefined {
    if (nowMs >= this.closesAtMs(step)) return 'deadline'
    if (nowMs >= this.abandonedAtMs(step)) return 'uncovered'
    return nowMs >= this.stalledAtMs(step, stallMs) ? 'stalled' : undefined
  }

  /** When one of these is due next, milliseconds. */
  wakeAtMs(step: Step, stallMs: number): number {
    return Math.min(
      this.closesAtMs(step),
      this.abandonedAtMs(step),
      this.stalledAtMs(step, stallMs),
    )
  }

  /** From then on each step is scored as it comes, so that at the end there are scores in hand. */
  hurriesAtMs(step: Step): number {
    const scoringMs = this.scorable.scoringMs(step)
    const hurryMs = Math.max(HURRY_MS, HURRY_FACTOR * scoringMs)
    return this.deadlineMs - Math.max(scoringMs, Math.min(hurryMs, HURRY_SHARE_MAX * this.totalMs))
  }

  /** It is time to get scores for what there is, if that is an answer: those of a later step would come too late. */
  private closesAtMs(step: Step): number {
    if (!this.scorable.isEnough(step)) return this.deadlineMs
    const scoringMs = this.scorable.scoringMs(step)
    return this.deadlineMs - Math.min(scoringMs, SCORING_SHARE_MAX * this.totalMs)
  }

  /** The layers left have been without a host for long enough. */
  private abandonedAtMs({ route }: Step): number {
    if (this.lack === undefined) return NEVER
    const { sinceMs, laneKnownAtMs, isGap } = this.lack
    if (isGap)
      return sinceMs + Math.max(NO_HOST_GRACE_MS, HELD_UP_SHARE * (this.deadlineMs - sinceMs))
    if (route.length === 0) return sinceMs + FIRST_PROVIDER_MS
    return Math.max(sinceMs, laneKnownAtMs) + NO_HOST_GRACE_MS
  }

  /** Nothing has moved for longer than a lane usually takes, and nobody here waits for whoever was named. */
  private stalledAtMs({ route, next }: Step, stallMs: number): number {
    // Of its own first step this member is the author, who waits for whoever it named and names the next one.
    const isLed = route.length === 0 && next !== undefined
    // Going back brings no host for layers that nobody hosts.
    const isAlone = this.lack !== undefined && route.length > 0
    return isLed || isAlone ? NEVER : this.movedAtMs + stallMs
  }

  private holdUpEndMs(nowMs: number): number {
    return nowMs + HELD_UP_SHARE * (this.deadlineMs - nowMs)
  }
}
