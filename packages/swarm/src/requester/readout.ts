import type { CoreEffect, Effect } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import type { HeadOutcome } from '../ports.ts'
import { sameStep } from '../step.ts'
import type { PeerId, RequestId, Step } from '../wire/messages.ts'
import type { Answering } from './answering.ts'
import type { Pending } from './pending.ts'
import { isConfident, type LostScores, type Scoring } from './scoring.ts'
import type { Watchdog } from './watchdog.ts'

/** What a readout acts by; all of it is shared with the requester. */
export interface ReadoutParts {
  readonly pending: ReadonlyMap<RequestId, Pending>
  readonly scoring: Scoring
  readonly answering: Answering
  readonly watchdog: Watchdog
}

/**
 * Reads requests out: has the head run over steps, and decides what follows from their scores.
 *
 * 1. While more hops are waited for, the head runs only where the policy asks for scores on the way or time is
 *    short, and after each run over the step that is newest by then.
 * 2. Scores that are confident enough end the wait, and what is answered is the step that they belong to.
 * 3. Once no more hops are waited for, the answer waits for the scores of the newest step.
 * 4. A request that waits for more hops goes on without scores that cannot be had.
 */
export class Readout {
  private readonly parts: ReadoutParts

  constructor(parts: ReadoutParts) {
    this.parts = parts
  }

  /** A request has a newer step, with layers still open: scores it where its policy asks for that. */
  sharpen(wanted: Pending, nowMs: number): CoreEffect[] {
    return [this.progress(wanted), ...this.scoreNewest(wanted, nowMs)]
  }

  /** Requests whose time is short. */
  onTime(nowMs: number): CoreEffect[] {
    return [...this.parts.pending.values()].flatMap((wanted) =>
      nowMs >= this.hurriesAtMs(wanted) && nowMs < wanted.deadlineMs
        ? this.hurry(wanted, nowMs)
        : [],
    )
  }

  /** When `onTime` is due next. */
  wakeAtMs(): number {
    let at = Number.POSITIVE_INFINITY
    for (const wanted of this.parts.pending.values()) at = Math.min(at, this.hurriesAtMs(wanted))
    return at
  }

  /**
   * Little time is left: scores what there is, lest there be none in the end. Where the newest step is no answer, or
   * is being scored already, that is the one before, or one that the request went back from.
   */
  private hurry(wanted: Pending, nowMs: number): CoreEffect[] {
    wanted.isHurried = true
    const { closing, newest, otherwise } = wanted
    if (closing === undefined && wanted.isEnough(newest)) return this.scoreNewest(wanted, nowMs)
    return otherwise === undefined || this.isScored(otherwise)
      ? []
      : [this.parts.scoring.begin(otherwise, nowMs)]
  }

  /** Infinity once it is in a hurry, and where that changes nothing. */
  private hurriesAtMs(wanted: Pending): number {
    const { isHurried, patience, newest, closing, otherwise } = wanted
    const isOpen = closing === undefined
    const changes = isOpen || (otherwise !== undefined && !this.isScored(otherwise))
    return isHurried || !changes ? Number.POSITIVE_INFINITY : patience.hurriesAtMs(newest)
  }

  /** Whether scores of a step are on their way, or those of one with as many layers are here. */
  private isScored(step: Step): boolean {
    const { scoring } = this.parts
    const layers = scoring.bestOf(step.request)?.step.route.length ?? 0
    return layers >= step.route.length || scoring.isScoring(step)
  }

  /** Scores the newest step, unless nobody wants that yet, it is scored, or another one is being scored. */
  private scoreNewest(wanted: Pending, nowMs: number): CoreEffect[] {
    const { newest, policy, isHurried } = wanted
    const { request } = newest
    const { scoring } = this.parts
    const isUrgent = isHurried && wanted.isEnough(newest)
    const isAsked = policy.anytime || policy.stopAtConfidence !== undefined
    if (!isAsked && !isUrgent) return []
    if (scoring.isScoring(newest) || scoring.ofStep(newest) !== undefined) return []
    // A tensor that does not come holds nothing up when time is short.
    const isBusy = isUrgent ? scoring.isRunning(request) : scoring.isBusy(request)
    return isBusy ? [] : [scoring.begin(newest, nowMs)]
  }

  /** How far a request has come, with the newest scores that there are. */
  progress({ request, newest }: Pending): Effect {
    const scores = this.parts.scoring.of(request)
    return {
      do: 'report',
      event: {
        type: 'progressed',
        request,
        route: newest.route,
        rounds: [],
        probabilities: scores?.probabilities,
        scoredHops: scores?.step.route.length ?? 0,
      },
    }
  }

  /** The tensor of a step that is to be scored is here, or cannot be had. */
  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    const wanted = this.wantedBy(id)
    const next = this.parts.scoring.pulled(id, bytes, nowMs)
    if (wanted === undefined || next === undefined) return []
    return 'lost' in next ? this.headLost(wanted, next, nowMs) : [next]
  }

  /** What somebody held is gone with them: nobody waits until a pull of it fails. */
  onDisconnected(peer: PeerId, nowMs: number): CoreEffect[] {
    return this.parts.scoring
      .pullingFrom(peer)
      .flatMap((job) => [{ do: 'cancel', job } as const, ...this.onPulled(job, undefined, nowMs)])
  }

  onHeadRun(id: JobId, outcome: HeadOutcome, nowMs: number): CoreEffect[] {
    const { scoring, answering } = this.parts
    const wanted = this.wantedBy(id)
    const scored = scoring.ran(id, outcome, nowMs)
    if (wanted === undefined || scored === undefined) return []
    if ('lost' in scored) return this.headLost(wanted, scored, nowMs)
    const { scores } = scored
    wanted.headFailure = undefined
    if (wanted.closing !== undefined) {
      if (sameStep(scores.step, wanted.newest)) return answering.answer(wanted, scores, nowMs)
      return this.scoreLast(wanted, nowMs)
    }
    const effects: CoreEffect[] = [this.progress(wanted)]
    if (isConfident(scores, wanted.policy)) {
      wanted.settleOn(scores.step)
      return effects.concat(answering.closeUp(wanted, 'confident', nowMs))
    }
    return effects.concat(this.scoreNewest(wanted, nowMs))
  }

  /** The newest step of a request that waits for no more hops is next, if it is an answer. */
  private scoreLast(wanted: Pending, nowMs: number): CoreEffect[] {
    return wanted.isEnough(wanted.newest) ? this.parts.answering.score(wanted, nowMs) : []
  }

  private headLost(wanted: Pending, { lost, reason }: LostScores, nowMs: number): CoreEffect[] {
    const { answering, watchdog } = this.parts
    wanted.headFailure = reason
    if (!sameStep(lost, wanted.newest))
      return wanted.closing === undefined ? [] : this.scoreLast(wanted, nowMs)
    const { length } = wanted.newest.route
    return answering.headLost(wanted, nowMs) ?? watchdog.lost(wanted, length, nowMs)
  }

  private wantedBy(id: JobId): Pending | undefined {
    const request = this.parts.scoring.requestOf(id)
    return request === undefined ? undefined : this.parts.pending.get(request)
  }
}
