import { withOwnLink } from '../chain/own-link.ts'
import { ResponseTime } from '../claims/response-time.ts'
import type { CoreEffect } from '../effects.ts'
import { ERAS_MAX, STALL_MS_MAX } from '../limits.ts'
import type { Claim, PeerId, RequestId } from '../wire/messages.ts'
import type { Answering } from './answering.ts'
import type { Coverage } from './coverage.ts'
import { NAMED_STALL_MS, STARVED_STALLS } from './limits.ts'
import type { Pending } from './pending.ts'
import type { SecondOffers } from './second-offer.ts'

/** What a watchdog acts by; all of it is shared with the requester. */
export interface WatchdogParts {
  readonly pending: ReadonlyMap<RequestId, Pending>
  readonly answering: Answering
  readonly coverage: Coverage
  readonly secondOffers: SecondOffers
}

/**
 * Watches the requests of a member, and acts when no message moves them.
 *
 * 1. At its deadline a request ends, from the best scores that there are.
 * 2. A request that stands still goes back to the author of an older step, who is asked to choose again; to
 *    this member where it is the author, which chooses again itself.
 * 3. One that is closing is not taken back: its scores are on their way, or are asked for again.
 * 4. Of a release that keeps its order a request goes on without the layers that nobody hosts, once its time is too
 *    short to wait for a host.
 * 5. How long is too long follows what the lane usually takes, within fixed bounds.
 */
export class Watchdog {
  private readonly self: PeerId
  private readonly parts: WatchdogParts
  private readonly pace = new ResponseTime()

  constructor(self: PeerId, parts: WatchdogParts) {
    this.self = self
    this.parts = parts
  }

  /** A request has come to a later step. @param tookMs undefined where that says nothing of the lane's pace. */
  advanced(wanted: Pending, tookMs: number | undefined, nowMs: number): void {
    if (tookMs !== undefined) this.pace.observe(tookMs)
    this.parts.coverage.judge(wanted, nowMs)
  }

  /** Somebody is at work on the newest step of a request, or on one that follows it. */
  claimed(wanted: Pending, from: PeerId, claim: Claim, nowMs: number): void {
    wanted.atWork = from
    wanted.patience.claimed(claim, this.stallMs(), nowMs)
  }

  /**
   * Whether a request has stood still for much longer than a lane usually takes, whatever was said of it; of the lane
   * before that says nothing here.
   */
  isStarved({ closing, standsSinceMs }: Pending, nowMs: number): boolean {
    const sinceMs = Math.max(standsSinceMs, this.parts.coverage.enteredMs)
    return closing === undefined && nowMs - sinceMs >= STARVED_STALLS * this.stallMs()
  }

  /** Looks at every request. */
  onTime(nowMs: number): CoreEffect[] {
    const effects: CoreEffect[] = []
    for (const wanted of this.parts.pending.values()) effects.push(...this.look(wanted, nowMs))
    return effects
  }

  /** When `onTime` is due next. */
  wakeAtMs(): number {
    const stallMs = this.stallMs()
    let at = Number.POSITIVE_INFINITY
    for (const wanted of this.parts.pending.values()) {
      const { closing, deadlineMs, scoresAgainAtMs, newest, patience } = wanted
      const isClosing = closing !== undefined
      const closingMs = Math.min(deadlineMs, scoresAgainAtMs)
      at = Math.min(at, isClosing ? closingMs : patience.wakeAtMs(newest, stallMs))
    }
    return at
  }

  /** The tensor of a hop is gone with its holder. */
  lost(wanted: Pending, hop: number, nowMs: number): CoreEffect[] {
    const { activation, route } = wanted.newest
    if (hop > route.length) wanted.patience.heard(hop)
    const holder = activation.place === 'held' ? activation.holder : undefined
    return this.rescue(wanted, nowMs, hop > route.length ? undefined : holder)
  }

  /**
   * Whoever was to go on is silent, and so is who chose them: the author before chooses again, in a new
   * era; after a few times the request is offered to whoever answers first.
   * @param gone who is known to be the cause.
   */
  rescue(wanted: Pending, nowMs: number, gone?: PeerId): CoreEffect[] {
    const wasLeft = wanted.newest.next === undefined
    const silent = wanted.goBack(nowMs)
    return this.resume(wanted, gone ?? silent, nowMs, wasLeft)
  }

  /** Somebody who is to have no part in a request has gone on with it: whoever chose it chooses again. */
  refused(
    wanted: Pending,
    { hop, peer }: { hop: number; peer: PeerId },
    nowMs: number,
  ): CoreEffect[] {
    wanted.patience.heard(hop)
    return this.rescue(wanted, nowMs, peer)
  }

  /** A request has gone back to an older step: its author chooses anew. @param wasLeft nobody was named where it stood. */
  resume(
    wanted: Pending,
    suspect: PeerId | undefined,
    nowMs: number,
    wasLeft = false,
  ): CoreEffect[] {
    const { coverage, secondOffers } = this.parts
    coverage.judge(wanted, nowMs)
    const step = wanted.message(nowMs)
    const isFirst = step.route.length <= wanted.stem.route.length
    const author = isFirst ? undefined : step.route.at(-1)?.peer
    if (author === undefined || author === this.self)
      return [{ do: 'lead', step, suspect: wanted.isDesperate ? undefined : suspect }]
    // Where nobody was to be named before, its author may have no way to whoever could go on.
    const fetched = wasLeft ? secondOffers.fetch(step) : []
    return [
      {
        do: 'ask-again',
        step: withOwnLink({ ...step, next: author }, this.self),
        suspect,
        to: author,
      },
      ...fetched,
    ]
  }

  private look(wanted: Pending, nowMs: number): CoreEffect[] {
    const { answering } = this.parts
    if (nowMs >= wanted.deadlineMs) return answering.answerFromLast(wanted, nowMs)
    if (wanted.closing !== undefined) return this.scoreAgain(wanted, nowMs)
    const end = wanted.patience.due(wanted.newest, this.stallMs(), nowMs)
    if (end === undefined) return []
    if (end === 'uncovered' && this.leaveOut(wanted, nowMs))
      return this.resume(wanted, undefined, nowMs)
    return end === 'stalled' ? this.rescue(wanted, nowMs) : answering.closeUp(wanted, end, nowMs)
  }

  /** The tensor of its last step could not be had, and may be by now. */
  private scoreAgain(wanted: Pending, nowMs: number): CoreEffect[] {
    if (nowMs < wanted.scoresAgainAtMs) return []
    wanted.scoresAgainAtMs = Number.POSITIVE_INFINITY
    return this.parts.answering.score(wanted, nowMs)
  }

  /** Layers that nobody hosts stand in the way of later ones: begins anew without them. @returns whether it does. */
  private leaveOut(wanted: Pending, nowMs: number): boolean {
    const plan = this.parts.coverage.planWithoutGaps(wanted)
    if (plan === undefined || wanted.newest.era >= ERAS_MAX) return false
    wanted.startOver(nowMs, plan)
    return true
  }

  /** After this long without a sign of work the newest step is offered again, milliseconds. */
  private stallMs(): number {
    return this.pace.patienceMs(NAMED_STALL_MS, STALL_MS_MAX)
  }
}
