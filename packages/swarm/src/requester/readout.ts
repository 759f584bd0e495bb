import type { CoreEffect, Effect } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import type { HeadOutcome } from '../ports.ts'
import { sameStep } from '../step.ts'
import type { PeerId, RequestId } from '../wire/messages.ts'
import type { Answering } from './answering.ts'
import type { Pending } from './pending.ts'
import { isConfident, type Scoring } from './scoring.ts'
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
 * 1. While more hops are waited for, the head runs only where the policy asks for scores on the way, and
 *    after each run over the step that is newest by then.
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
  sharpen(wanted: Pending): CoreEffect[] {
    const { newest, policy } = wanted
    const { scoring } = this.parts
    const effects: CoreEffect[] = [this.progress(wanted)]
    const wantsScores = policy.anytime || policy.stopAtConfidence !== undefined
    if (wantsScores && !scoring.isBusy(newest.request)) effects.push(scoring.begin(newest))
    return effects
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
        probabilities: scores?.probabilities,
        scoredHops: scores?.step.route.length ?? 0,
      },
    }
  }

  /** The tensor of a step that is to be scored is here, or cannot be had. */
  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    const wanted = this.wantedBy(id)
    const next = this.parts.scoring.pulled(id, bytes)
    if (wanted === undefined || next === undefined) return []
    return 'lost' in next ? this.headLost(wanted, nowMs) : [next]
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
    const scored = scoring.ran(id, outcome)
    if (wanted === undefined || scored === undefined) return []
    if ('lost' in scored) return this.headLost(wanted, nowMs)
    const { step } = scored.scores
    if (wanted.closing !== undefined) {
      return sameStep(step, wanted.newest)
        ? answering.answer(wanted, nowMs)
        : [scoring.begin(wanted.newest)]
    }
    const effects: CoreEffect[] = [this.progress(wanted)]
    if (isConfident(scored.scores, wanted.policy)) {
      wanted.settleOn(step)
      return effects.concat(answering.closeUp(wanted, 'confident', nowMs))
    }
    if (!sameStep(step, wanted.newest)) effects.push(scoring.begin(wanted.newest))
    return effects
  }

  private headLost(wanted: Pending, nowMs: number): CoreEffect[] {
    const { answering, watchdog } = this.parts
    const { length } = wanted.newest.route
    return answering.headLost(wanted, nowMs) ?? watchdog.lost(wanted, length, nowMs)
  }

  private wantedBy(id: JobId): Pending | undefined {
    const request = this.parts.scoring.requestOf(id)
    return request === undefined ? undefined : this.parts.pending.get(request)
  }
}
