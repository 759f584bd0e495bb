import type { Effect } from '../effects.ts'
import { FLIGHTS_MAX } from '../limits.ts'
import type { PeerId, RequestId, Step } from '../wire/messages.ts'
import { type Admission, Admissions } from './admission.ts'
import type { Bidding } from './bidding.ts'
import type { ClaimBook } from './claim-book.ts'
import { Flight } from './flight.ts'
import type { HandOvers } from './hand-over.ts'
import type { Outputs } from './outputs.ts'
import type { Work } from './work.ts'

/** Who else must hear that a request is followed no longer. */
export interface FollowingParts {
  readonly claims: ClaimBook
  readonly outputs: Outputs
  readonly work: Work
  readonly bidding: Bidding
  readonly handOvers: HandOvers
}

/**
 * The requests that a provider follows, from its first step of each to the end.
 *
 * 1. Only requests that were admitted are followed, and the member's own.
 * 2. Nothing of a request that is followed no longer is left in any part.
 */
export class Following {
  private readonly parts: FollowingParts
  private readonly flights = new Map<RequestId, Flight>()
  private readonly admissions = new Admissions()

  constructor(parts: FollowingParts) {
    this.parts = parts
  }

  get size(): number {
    return this.flights.size
  }

  all(): IterableIterator<Flight> {
    return this.flights.values()
  }

  get(request: RequestId): Flight | undefined {
    return this.flights.get(request)
  }

  /** Begins to follow a request of somebody else, unless there is no room for it or its requester floods. */
  begin(from: PeerId, step: Step, payer: PeerId, nowMs: number): Flight | 'ban' | 'ignore' {
    const admission = this.admissions.judge(from, step, payer, nowMs)
    return admission === 'follow' ? this.add(step, payer, nowMs) : admission
  }

  /** How a request that it does not follow would be met; see `Admissions.look`. */
  admits(from: PeerId, step: Step, payer: PeerId, nowMs: number): Admission {
    return this.admissions.look(from, step, payer, nowMs)
  }

  /** With one more than it may follow, lets go of the latest of whoever pays for most. */
  makeRoom(kept: Flight): Effect[] {
    if (this.size <= FLIGHTS_MAX) return []
    const payer = this.admissions.costliest()
    const { work, handOvers } = this.parts
    const victim = [...this.all()].findLast(
      (flight) =>
        flight.payer === payer &&
        flight !== kept &&
        !work.has(flight.request) &&
        !handOvers.leads(flight),
    )
    return this.leave(victim ?? kept)
  }

  /** Follows a request no longer, as if it had never been heard of. */
  leave(flight: Flight): Effect[] {
    const effects = [...this.letGo(flight), ...this.forget(flight)]
    this.admissions.left(flight.newest.requester, flight.payer)
    return effects
  }

  /** Begins to follow a request of this member's own. */
  beginOwn(step: Step, nowMs: number): Flight {
    this.admissions.admitOwn(step.requester)
    return this.add(step, step.requester, nowMs)
  }

  /** Gives up the work and the claim on a step that is not the newest any more. */
  letGo({ request }: Flight): Effect[] {
    const effects = this.parts.work.abandon(request)
    this.parts.claims.free(request)
    return effects
  }

  /** Follows a request no longer though it has not ended. */
  drop(flight: Flight, nowMs: number): Effect[] {
    this.admissions.dropped(flight.newest, flight.payer, nowMs)
    return this.forget(flight)
  }

  /** A request has ended. @param done its requester said so; otherwise its deadline has passed. */
  end(flight: Flight, done: boolean, nowMs: number): Effect[] {
    const { newest } = flight
    const effects = [...this.letGo(flight), ...this.forget(flight)]
    this.admissions.ended(newest, flight.payer, done, nowMs)
    return effects
  }

  /** Late messages about requests that ended long ago are new ones. */
  forgetFinished(nowMs: number): void {
    this.admissions.forgetFinished(nowMs)
  }

  private add(step: Step, payer: PeerId, nowMs: number): Flight {
    const flight = new Flight(step, nowMs, payer)
    this.flights.set(step.request, flight)
    return flight
  }

  private forget(flight: Flight): Effect[] {
    this.parts.bidding.forget(flight)
    this.parts.handOvers.end(flight.request)
    this.flights.delete(flight.request)
    return this.parts.outputs.release(flight.request)
  }
}
