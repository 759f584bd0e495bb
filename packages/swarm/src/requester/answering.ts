import { type CoreEffect, withdrawn } from '../effects.ts'
import { ERAS_MAX, FINISHED_REMEMBERED_MAX } from '../limits.ts'
import type { FailureFault } from '../request.ts'
import { sameStep } from '../step.ts'
import type { PeerId, RequestId } from '../wire/messages.ts'
import type { Coverage } from './coverage.ts'
import { HEADS_LOST_MAX } from './limits.ts'
import type { Losses } from './losses.ts'
import type { Closing, Pending } from './pending.ts'
import type { Scoring } from './scoring.ts'
import type { SecondOffers } from './second-offer.ts'

/** What ends requests; all of it is shared with the requester. */
export interface AnsweringParts {
  readonly pending: Map<RequestId, Pending>
  readonly scoring: Scoring
  readonly secondOffers: SecondOffers
  readonly coverage: Coverage
  readonly losses: Losses
}

/**
 * Ends requests: from the scores of the newest step when no more hops are waited for, from older ones when
 * those cannot be had, or with the reason why there is no answer.
 *
 * 1. A request ends once, and is then remembered as ended for a while.
 * 2. An answer has at least as many layers as its policy asks for.
 */
export class Answering {
  private readonly layers: number
  private readonly parts: AnsweringParts
  /** Final outputs in a row that could not be had. */
  private readonly headsLost = new Map<RequestId, number>()
  /** Own requests that have ended, the oldest first. */
  private readonly ended = new Set<RequestId>()

  /** @param layers of the model. */
  constructor(layers: number, parts: AnsweringParts) {
    this.layers = layers
    this.parts = parts
  }

  hasEnded(request: RequestId): boolean {
    return this.ended.has(request)
  }

  /** No more hops: gets the scores of the newest step, then answers. */
  closeUp(wanted: Pending, closing: Closing, nowMs: number): CoreEffect[] {
    const { request, newest } = wanted
    const { scoring, coverage } = this.parts
    if (closing !== 'complete' && newest.route.length < wanted.leastHops)
      return this.fail(wanted, shortfall(wanted, closing, coverage.isCovered(newest)))
    wanted.close(closing)
    const scores = scoring.of(request)
    if (scores !== undefined && sameStep(scores.step, newest)) return this.answer(wanted, nowMs)
    return scoring.isBusy(request) ? [] : [scoring.begin(newest)]
  }

  /**
   * The scores of a step could not be had: goes on without them, or from the step before.
   * @returns undefined where an older step must be asked for.
   */
  headLost(wanted: Pending, nowMs: number): CoreEffect[] | undefined {
    if (wanted.closing === undefined) return []
    const { request } = wanted
    const isOver = wanted.closing === 'deadline' || wanted.newest.era >= ERAS_MAX
    const lost = (this.headsLost.get(request) ?? 0) + 1
    this.headsLost.set(request, lost)
    // Whoever ran the last layer cannot hand its result over: an answer without it is due.
    if ((isOver || lost > HEADS_LOST_MAX) && wanted.dropLast()) {
      this.headsLost.delete(request)
      return [this.parts.scoring.begin(wanted.newest)]
    }
    return isOver ? this.answerFromLast(wanted, nowMs) : undefined
  }

  /** The deadline has come: answers from the last scores that there are. */
  answerFromLast(wanted: Pending, nowMs: number): CoreEffect[] {
    const scores = this.parts.scoring.of(wanted.request)
    if (scores !== undefined && scores.step.route.length >= wanted.leastHops)
      return this.answer(wanted, nowMs)
    return this.fail(wanted, { code: 'deadline-passed', hops: wanted.newest.route.length })
  }

  answer(wanted: Pending, nowMs: number): CoreEffect[] {
    const scores = this.parts.scoring.of(wanted.request)
    if (scores === undefined) return this.fail(wanted, { code: 'head-failed' })
    const { step, logits, probabilities } = scores
    const { request, route } = step
    const applied = new Set(route.map(({ layer }) => layer))
    const layers = Array.from({ length: this.layers }, (_, layer) => layer)
    const missingLayers = layers.filter((layer) => !applied.has(layer))
    const totalMs = nowMs - wanted.startedMs
    const answer = { request, logits, probabilities, route, missingLayers, totalMs }
    return [...this.end(wanted), { do: 'report', event: { type: 'answered', answer } }]
  }

  fail(wanted: Pending, fault: FailureFault): CoreEffect[] {
    const { request } = wanted
    return [...this.end(wanted), { do: 'report', event: { type: 'failed', request, fault } }]
  }

  private end({ request, stem, newest, isPublic, strays }: Pending): CoreEffect[] {
    const { pending, scoring, secondOffers, losses } = this.parts
    pending.delete(request)
    losses.end(request)
    this.headsLost.delete(request)
    if (this.ended.size >= FINISHED_REMEMBERED_MAX)
      this.ended.delete(this.ended.values().next().value as RequestId)
    this.ended.add(request)
    return [
      { do: 'finish', step: newest, isPublic },
      ...(strays.size === 0 ? [] : [tellDone(request, [...strays])]),
      ...scoring.end(request),
      ...withdrawn(stem.activation),
      ...secondOffers.end(request),
    ]
  }
}

/** Why there are too few layers for an answer. */
function shortfall(wanted: Pending, closing: Closing, isCovered: boolean): FailureFault {
  const applied = wanted.newest.route.length
  if (applied === 0 && closing === 'uncovered') return { code: 'no-providers' }
  if (applied === 0 && closing === 'deadline')
    return isCovered ? { code: 'deadline-passed', hops: 0 } : { code: 'no-providers' }
  return { code: 'too-few-layers', applied, wanted: wanted.policy.minLayers }
}

/** Whoever still works on a request that has ended hears so. */
export function tellDone(request: RequestId, to: readonly PeerId[]): CoreEffect {
  return { do: 'tell', message: { kind: 'done', request, isPublic: false }, to }
}
