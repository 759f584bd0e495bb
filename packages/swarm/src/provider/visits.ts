import { signersOf } from '../chain/signers.ts'
import { type Effect, withdrawn } from '../effects.ts'
import type { Withholding } from '../fetch/withholding.ts'
import type { JobId } from '../jobs.ts'
import type { LayerOutcome } from '../ports.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import { sameStep } from '../step.ts'
import type { Activation, PeerId, Step } from '../wire/messages.ts'
import type { Author } from './author.ts'
import type { Bidding } from './bidding.ts'
import type { ClaimBook } from './claim-book.ts'
import type { Contest } from './contest.ts'
import { LONG_RUN_MS } from './limits.ts'
import { judgeTensor } from './lost-tensor.ts'
import type { Notices } from './notices.ts'
import type { Outputs } from './outputs.ts'
import type { Pace } from './pace.ts'
import type { Serving } from './serving.ts'
import type { Visit } from './visit.ts'
import type { Work } from './work.ts'

/** What the end of a job may lead to; all of it is shared with the provider's other parts. */
export interface VisitsParts {
  readonly table: PeerTable
  readonly withholding: Withholding
  readonly claims: ClaimBook
  readonly work: Work
  readonly pace: Pace
  readonly notices: Notices
  readonly outputs: Outputs
  readonly bidding: Bidding
  readonly serving: Serving
  readonly author: Author
  readonly contest: Contest
}

/**
 * What becomes of the visits that a provider has taken on: each end of one of their jobs leads to the next
 * job, to the hand-over of the result, or to the release of the step.
 *
 * 1. Between two layers, and before its result is handed over, it looks whether the visit still stands: a
 *    job of one that was given up changes nothing but what is known of the engine.
 * 2. A visit that comes to nothing leaves no claim behind, those who wait for it are told, and its step is
 *    anybody's.
 * 3. It waits for no tensor of somebody who is gone, and calls none lost that it had no way to.
 * 4. Its result is handed over only while the step that it was made from is the newest, and never waits for
 *    a rest.
 */
export class Visits {
  private readonly self: PeerId
  private readonly parts: VisitsParts

  constructor(self: PeerId, parts: VisitsParts) {
    this.self = self
    this.parts = parts
  }

  /** The tensor of a visit is here, or cannot be had. */
  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): Effect[] {
    const visit = this.parts.work.get(id)
    if (visit === undefined) return []
    const { serving, withholding } = this.parts
    const { step, isReached } = visit
    if (bytes === undefined) {
      if (isReached && isHoldersWord(step)) withholding.inVain(step, this.self, nowMs)
      return this.giveUp(visit, nowMs)
    }
    withholding.had(step, this.self)
    return serving.run(visit, bytes, nowMs)
  }

  /** The engine has run a layer, or has failed. */
  onLayerRun(id: JobId, outcome: LayerOutcome, nowMs: number): Effect[] {
    const { work, pace, notices } = this.parts
    const visit = work.get(id)
    if ('failure' in outcome) {
      work.runEnded(nowMs)
      return visit === undefined ? [] : this.failed(visit, outcome.failure, nowMs)
    }
    const { ms, activation } = outcome
    // Superseded while it ran: nobody will ask for the result. How slow it was still counts, or a
    // straggler whose runs all come too late would go on to believe that it is quick.
    pace.ran(ms, visit !== undefined)
    const left = visit?.ran(ms) ?? 0
    // A visit is one piece of work, however many layers it has.
    if (left === 0) work.runEnded(nowMs)
    if (visit === undefined) return []
    const said = left * ms > LONG_RUN_MS ? notices.runsOn(visit, left * ms) : []
    return [...said, visit.next(activation)]
  }

  /** The result of a visit can be had from here, or there is no room for it. */
  onPrepared(id: JobId, activation: Activation | undefined, nowMs: number): Effect[] {
    const { work, claims, contest, serving, outputs, author } = this.parts
    const visit = work.get(id)
    if (visit === undefined) return withdrawn(activation)
    if (activation === undefined) return this.failed(visit, 'no room to hold the result', nowMs)
    const { flight } = visit
    work.forget(visit)
    claims.free(flight.request)
    // The others have gone back meanwhile: what was made from the step that they gave up is nobody's.
    if (!sameStep(visit.step, flight.newest) || this.isAnothers(visit))
      return [...withdrawn(activation), ...contest.bid(flight, nowMs)]
    // So small a tensor is nobody's to hold: in a message of this member's own the others would refuse it.
    if (visit.isRelay && activation.place === 'inline') return serving.decline(flight)
    if (visit.isRelay) flight.moveTensor(outputs.keep(flight, activation))
    else flight.advance(outputs.stepOf(visit, activation, nowMs), nowMs)
    return [...author.handOver(flight, nowMs), ...visit.reports(), ...contest.bidOnIdle(nowMs)]
  }

  /** It was to pass a tensor on, and its author has named another for that since: only that one may say it. */
  private isAnothers({ isRelay, flight }: Visit): boolean {
    const { next } = flight.newest
    return isRelay && next !== undefined && next !== this.self
  }

  /** Visits that take longer than they should: whoever waits for them hears that they live. */
  onTime(nowMs: number): Effect[] {
    const { work, notices } = this.parts
    return work.overdue(nowMs).flatMap((visit) => notices.atWork(visit, visit.renew(nowMs)))
  }

  /** Whoever is gone sends nothing any more: nobody waits until a pull of it fails. */
  onDisconnected(peer: PeerId, nowMs: number): Effect[] {
    return this.parts.work
      .pullingFrom(peer)
      .flatMap((visit) => [{ do: 'cancel', job: visit.id }, ...this.giveUp(visit, nowMs)])
  }

  /** When `onTime` is due next, milliseconds. */
  wakeAtMs(): number {
    return this.parts.work.wakeAtMs()
  }

  /**
   * The tensor cannot be had: tells the others not to wait for this peer, and that it is lost, unless there
   * was no way to it from here.
   */
  private giveUp(visit: Visit, nowMs: number): Effect[] {
    const { work, claims, notices, table, contest } = this.parts
    const { flight, isReached: lost } = visit
    work.forget(visit)
    claims.free(flight.request)
    flight.doubts.declinedBy(this.self)
    if (lost) {
      flight.doubts.pullFailed()
      if (visit.holder !== undefined) flight.doubts.letDownBy(visit.holder)
    } else flight.outOfReach()
    const released = notices.released(visit, lost)
    if (lost) judgeTensor(flight, table, this.self)
    return [...released, ...contest.bid(flight, nowMs)]
  }

  /** The engine failed: what the visit has done so far is not lost, but nobody waits for the rest. */
  private failed(visit: Visit, reason: string, nowMs: number): Effect[] {
    const { bidding, work, claims, notices, contest } = this.parts
    const { flight, hop } = visit
    const { request } = flight
    bidding.ails(nowMs)
    work.forget(visit)
    claims.free(request)
    flight.doubts.letDownBy(this.self)
    return [
      ...notices.released(visit, false),
      {
        do: 'report',
        event: { type: 'hop-failed', request, hop, layer: visit.layer ?? 0, reason },
      },
      ...contest.bid(flight, nowMs),
      ...contest.bidOnIdle(nowMs),
    ]
  }
}

/** Whether the holder of a step's tensor says that it has it: a requester may name anybody. */
function isHoldersWord(step: Step): boolean {
  const { activation } = step
  const signers = signersOf(step)
  if (typeof signers === 'string') return false
  return activation.place === 'held' && signers.at(-1) === activation.holder
}
