import type { Audits } from '../audits/audits.ts'
import { type CoreEffect, withdrawn } from '../effects.ts'
import type { FailureFault } from '../failure.ts'
import { ERAS_MAX, FINISHED_REMEMBERED_MAX } from '../limits.ts'
import type { PeerId, RequestId } from '../wire/messages.ts'
import { Checks } from './checks.ts'
import type { Coverage } from './coverage.ts'
import { HEADS_LOST_MAX, LATE_TOLD_MAX, NAMED_STALL_MS } from './limits.ts'
import type { Losses } from './losses.ts'
import { missingOf } from './missing.ts'
import type { Closing, Pending } from './pending.ts'
import type { Scores, Scoring } from './scoring.ts'
import type { SecondOffers } from './second-offer.ts'

/** What ends requests; all of it is shared with the requester. */
export interface AnsweringParts {
  readonly pending: Map<RequestId, Pending>
  readonly scoring: Scoring
  readonly secondOffers: SecondOffers
  readonly coverage: Coverage
  readonly losses: Losses
  readonly audits: Pick<Audits, 'holds' | 'end' | 'owns' | 'failed'>
}

/**
 * Ends requests: from the scores of the newest step when no more hops are waited for, from older ones when
 * those cannot be had, or with the reason why there is no answer.
 *
 * 1. A request ends once, and is then remembered as ended for a while.
 * 2. An answer has at least as many layers as its policy asks for.
 * 3. A request with such scores in hand does not fail, unless it is cancelled.
 * 4. While there is time a request does not fail for want of it: one with a plan, one that has no answer but its
 *    last step, and one of a member that has not met its whole lane yet, waits for the scores of that.
 */
export class Answering {
  /** What was run again of each answer. */
  readonly checks = new Checks()
  private readonly layers: number
  private readonly parts: AnsweringParts
  /** Final outputs in a row that could not be had. */
  private readonly headsLost = new Map<RequestId, number>()
  /** Own requests that have ended, the oldest first, and who was told so since. */
  private readonly ended = new Map<RequestId, Set<PeerId>>()

  /** @param layers of the model. */
  constructor(layers: number, parts: AnsweringParts) {
    this.layers = layers
    this.parts = parts
  }

  /** Whether somebody is to be told that a request has ended: once each, however often they speak of it. */
  tellsLate(request: RequestId, peer: PeerId): boolean {
    const told = this.ended.get(request)
    if (told === undefined || told.size >= LATE_TOLD_MAX || told.has(peer)) return false
    told.add(peer)
    return true
  }

  /** No more hops: gets the scores of the newest step, then answers. */
  closeUp(wanted: Pending, closing: Closing, nowMs: number): CoreEffect[] {
    if (closing !== 'complete' && !wanted.isEnough(wanted.newest))
      return this.answerFromLast(wanted, nowMs)
    wanted.close(closing)
    return this.score(wanted, nowMs)
  }

  /** Answers by the scores of the newest step, now or when they are here. */
  score(wanted: Pending, nowMs: number): CoreEffect[] {
    const { request, newest } = wanted
    const { scoring } = this.parts
    const scores = scoring.ofStep(newest)
    if (scores !== undefined) return this.answer(wanted, scores, nowMs)
    // What runs already has ended soon, and may be all that there is in the end.
    if (scoring.isScoring(newest) || scoring.isRunning(request)) return []
    return [scoring.begin(newest, nowMs)]
  }

  /**
   * The scores of the newest step could not be had: goes on without them, or from the step before.
   * @returns undefined where an older step must be asked for.
   */
  headLost(wanted: Pending, nowMs: number): CoreEffect[] | undefined {
    if (wanted.closing === undefined) return []
    const { request } = wanted
    const isLate = wanted.closing === 'deadline'
    const isOver = isLate || wanted.newest.era >= ERAS_MAX
    const lost = (this.headsLost.get(request) ?? 0) + 1
    this.headsLost.set(request, lost)
    // Whoever ran the last layer cannot hand its result over: an answer without it is due where there is one, unless
    // all layers of a plan were asked for, which is worth its time, or this member has not met everybody yet.
    const { plan, isPrivate } = wanted.newest
    const isMeeting = this.parts.coverage.isStillMeeting(nowMs)
    const isNeeded = plan.length > 0 || wanted.before === undefined || isMeeting
    const isPatient = !isLate && isNeeded && !isPrivate
    if ((isOver || lost > HEADS_LOST_MAX) && !isPatient && wanted.dropLast()) {
      this.headsLost.delete(request)
      return this.score(wanted, nowMs)
    }
    if (isLate && this.parts.scoring.bestOf(request) === undefined) return []
    // A way to its holder may come yet: asks it again, and others in turn while there are eras for that.
    if (isPatient && (isOver || (lost > HEADS_LOST_MAX && lost % 2 === 1))) {
      wanted.scoresAgainAtMs = nowMs + NAMED_STALL_MS
      return []
    }
    return isOver ? this.answerFromLast(wanted, nowMs) : undefined
  }

  /** There will be no further scores: answers from the best that there are. */
  answerFromLast(wanted: Pending, nowMs: number): CoreEffect[] {
    const scores = this.parts.scoring.bestOf(wanted.request)
    if (scores !== undefined && wanted.isEnough(scores.step))
      return this.answer(wanted, scores, nowMs)
    return this.fail(wanted, this.shortfall(wanted, nowMs), nowMs)
  }

  answer(wanted: Pending, scores: Scores, nowMs: number): CoreEffect[] {
    const { step, logits, probabilities } = scores
    const { request, route } = step
    if (nowMs < wanted.deadlineMs && this.parts.audits.holds(step, nowMs)) {
      wanted.isHeld = true
      return []
    }
    const applied = new Set(route.map(({ layer }) => layer))
    const layers = Array.from({ length: this.layers }, (_, layer) => layer)
    const missingLayers = layers.filter((layer) => !applied.has(layer))
    const totalMs = nowMs - wanted.startedMs
    const checked = this.checks.answered(request, route)
    const rounds = wanted.roundsOf(route)
    const scored = { logits, probabilities, route, rounds, missingLayers }
    const answer = { request, ...scored, checked, totalMs }
    return [...this.end(wanted), { do: 'report', event: { type: 'answered', answer } }]
  }

  fail(wanted: Pending, fault: FailureFault, nowMs: number): CoreEffect[] {
    const { request } = wanted
    const { audits } = this.parts
    const ended = this.end(wanted)
    return [
      ...ended,
      ...(audits.owns(request)
        ? audits.failed(request, wanted.newest.next, nowMs)
        : [failed(request, fault)]),
    ]
  }

  /** A request is needed no longer. */
  drop(wanted: Pending): CoreEffect[] {
    return this.end(wanted)
  }

  private end(wanted: Pending): CoreEffect[] {
    const { request, stem, newest, isPublic, strays, closing, owned } = wanted
    const { pending, scoring, secondOffers, losses, audits } = this.parts
    pending.delete(request)
    losses.end(request)
    this.checks.end(request)
    // Whoever ran what a recomputation began after has never heard of it, and who ran a round is among the strays.
    const step = { ...newest, route: newest.route.slice(stem.route.length) }
    const finish = { do: 'finish', step, isPublic } as const
    this.headsLost.delete(request)
    if (this.ended.size >= FINISHED_REMEMBERED_MAX)
      this.ended.delete(this.ended.keys().next().value as RequestId)
    this.ended.set(request, new Set())
    return [
      ...audits.end(request, finish, closing === 'complete'),
      ...(strays.size === 0 ? [] : [tellDone(request, [...strays])]),
      ...scoring.end(request),
      ...owned.flatMap(withdrawn),
      ...secondOffers.end(request),
    ]
  }

  /** Why there is no answer. */
  private shortfall(wanted: Pending, nowMs: number): FailureFault {
    const { newest, policy } = wanted
    const hops = newest.route.length
    const missing = missingOf(wanted, this.parts, nowMs)
    if (hops === 0 && missing.what === 'hosts' && missing.layers.length === this.layers)
      return { code: 'no-providers' }
    if (missing.what === 'head' && missing.reason !== undefined)
      return { code: 'head-failed', reason: missing.reason }
    const isLate = nowMs >= wanted.deadlineMs && hops === 0 && missing.what !== 'hosts'
    return isLate || wanted.isEnough(newest)
      ? { code: 'deadline-passed', deadlineMs: policy.deadlineMs, hops, missing }
      : { code: 'too-few-layers', applied: hops, wanted: wanted.leastHops, missing }
  }
}

/** A request has ended without an answer. */
export function failed(request: RequestId, fault: FailureFault): CoreEffect {
  return { do: 'report', event: { type: 'failed', request, fault } }
}

/** A request's time was over before its first tensor was here. */
export function stemLate(request: RequestId, deadlineMs: number): CoreEffect {
  const missing = { what: 'stem' } as const
  return failed(request, { code: 'deadline-passed', deadlineMs, hops: 0, missing })
}

/** Whoever still works on a request that has ended hears so. */
export function tellDone(request: RequestId, to: readonly PeerId[]): CoreEffect {
  return { do: 'tell', message: { kind: 'done', request, isPublic: false }, to }
}
