import type { EncodedActivation } from '@layerswarm/model'
import { has } from '../claims/layer-set.ts'
import { type CoreEffect, withdrawn } from '../effects.ts'
import type { FailureFault } from '../failure.ts'
import type { HeadOutcome } from '../ports.ts'
import type { RequestId } from '../wire/messages.ts'
import type { AskedInRounds } from './asked.ts'
import { answerOf, failed } from './ending.ts'
import type { HubJobs } from './hub-jobs.ts'
import type { HubNeeds } from './hub-needs.ts'
import { HELD_LOOK_MS } from './limits.ts'
import type { Seen } from './sight.ts'

/** What ends requests in rounds; all of it is shared with their hub. */
export interface ClosingParts extends Pick<HubNeeds, 'shared'> {
  readonly requests: Map<RequestId, AskedInRounds>
  readonly jobs: HubJobs
  readonly sees: (asked: AskedInRounds, nowMs: number) => Seen
}

/**
 * How requests in rounds end when no round is left.
 *
 * 1. Layers that nobody was asked for, or a host of which was not, are a tour's: hosts out of the hub's reach are
 *    found by others, and where nobody is to be trusted there is another lane. So are those with a host that was silent
 *    and is still connected: it may be busy, and a tour waits for it longer than a round.
 * 2. Those whose hosts were all asked in vain, and are gone, are named as missing.
 * 3. With fewer layers than were asked for there is no answer from here.
 * 4. An answer waits for audits where that of a tour would.
 */
export class Closing {
  private readonly parts: ClosingParts

  constructor(parts: ClosingParts) {
    this.parts = parts
  }

  /** No round is left, whatever is. */
  finish(asked: AskedInRounds, nowMs: number): CoreEffect[] {
    const { left, route, policy, isRecount } = asked
    if (isRecount) return this.recounted(asked, nowMs)
    if (left.length === 0) return this.score(asked)
    const { hosts } = this.parts.sees(asked, nowMs)
    const isToBeHad = left.some(
      (layer) =>
        !asked.isTried(layer) ||
        hosts.some(
          (one) => has(one.layers, layer) && (one.isReachable || !asked.isTried(layer, one.peer)),
        ),
    )
    const isTooFew = route.length < Math.max(1, policy.minLayers)
    return isToBeHad || isTooFew ? this.goOn(asked) : this.score(asked)
  }

  /** The input of the next round is to be had from here. */
  prepare(asked: AskedInRounds): CoreEffect[] {
    asked.stage = 'input'
    const tensor = asked.tensor as EncodedActivation
    return [{ do: 'prepare', job: this.parts.jobs.add({ for: 'round', asked }), tensor }]
  }

  /** Nobody can go on from here, for there is no room for its tensor. */
  answerWithout(asked: AskedInRounds): CoreEffect[] {
    const { route, policy, left } = asked
    if (route.length >= Math.max(1, policy.minLayers)) return this.score(asked)
    const missing = { what: 'hosts', layers: left } as const
    const of = { applied: route.length, wanted: policy.minLayers, missing }
    return this.fail(asked, { code: 'too-few-layers', ...of })
  }

  onHeadRun(asked: AskedInRounds, outcome: HeadOutcome, nowMs: number): CoreEffect[] {
    if ('logits' in outcome) return this.answer(asked, outcome.logits, nowMs)
    const isSecond = asked.headFailure !== undefined
    asked.headFailure = outcome.failure
    return isSecond
      ? this.fail(asked, { code: 'head-failed', reason: outcome.failure })
      : this.score(asked)
  }

  /** The scores are here: they are the answer, unless audits are to be waited for. */
  answer(
    asked: AskedInRounds,
    logits: readonly (readonly number[])[],
    nowMs: number,
  ): CoreEffect[] {
    const { request, route } = asked
    const { shared } = this.parts
    if (nowMs < asked.deadlineMs && shared.holds(request, route, nowMs)) {
      asked.logits = logits
      asked.looksAtMs = nowMs + HELD_LOOK_MS
      return []
    }
    const answer = answerOf(asked, logits, shared.answered(request, route), nowMs)
    return [...this.end(asked), { do: 'report', event: { type: 'answered', answer } }]
  }

  fail(asked: AskedInRounds, fault: FailureFault): CoreEffect[] {
    return [...this.end(asked), failed(asked.request, fault)]
  }

  /** Everybody lets go of what was for it. */
  end(asked: AskedInRounds): CoreEffect[] {
    const { request, told, activation, origin, isRecount } = asked
    const { requests, jobs, shared } = this.parts
    requests.delete(request)
    asked.current = undefined
    if (!isRecount) shared.ended(request)
    const effects: CoreEffect[] = [
      ...withdrawn(origin),
      ...(activation === origin ? [] : withdrawn(activation)),
      ...jobs.drop(asked),
    ]
    const message = { kind: 'done', request, isPublic: false } as const
    return told.size === 0 ? effects : [...effects, { do: 'tell', message, to: [...told] }]
  }

  /** A sum was made again, or could not be in whole. */
  recounted(asked: AskedInRounds, nowMs: number): CoreEffect[] {
    const { request, route, tensor, left } = asked
    const made =
      left.length > 0 || tensor === undefined ? undefined : { hops: route, output: tensor }
    return [...this.end(asked), ...this.parts.shared.recounted(request, made, nowMs)]
  }

  /** The head is run on what there is. */
  score(asked: AskedInRounds): CoreEffect[] {
    asked.stage = 'scores'
    const input = asked.tensor as EncodedActivation
    return [{ do: 'run-head', job: this.parts.jobs.add({ for: 'head', asked }), input }]
  }

  /** What is left is run one after another. */
  private goOn(asked: AskedInRounds): CoreEffect[] {
    const { request, opening, route, rounds, activation, origin, told } = asked
    if (activation === undefined) return this.prepare(asked)
    this.parts.requests.delete(request)
    this.parts.shared.left(request)
    const halfway = { request, opening, route, rounds, activation, origin, told: [...told] }
    return [...this.parts.jobs.drop(asked), { do: 'go-on', halfway }]
  }
}
