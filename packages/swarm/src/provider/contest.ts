import type { ClaimPolicy } from '../claims/policy.ts'
import type { Effect } from '../effects.ts'
import type { Neighbourhood } from '../presence/neighbourhood.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import type { Claim, PeerId } from '../wire/messages.ts'
import type { Bidding } from './bidding.ts'
import type { ClaimBook } from './claim-book.ts'
import type { Flight } from './flight.ts'
import { judgeTensor } from './lost-tensor.ts'
import type { Pace } from './pace.ts'
import type { Rivals } from './rivals.ts'
import type { Serving } from './serving.ts'
import type { Work } from './work.ts'

/** What a contest looks at, and whom it tells what came of it. */
export interface ContestParts {
  readonly table: PeerTable
  readonly neighbourhood: Neighbourhood
  readonly rivals: Rivals
  readonly claims: ClaimBook
  readonly work: Work
  readonly pace: Pace
  readonly bidding: Bidding
  readonly serving: Serving
}

/** Several may take a step that nobody is named for, or whose favourite is silent: one of them does. */
export class Contest {
  private readonly self: PeerId
  private readonly policy: ClaimPolicy
  private readonly parts: ContestParts

  constructor(options: { self: PeerId; policy: ClaimPolicy }, parts: ContestParts) {
    this.self = options.self
    this.policy = options.policy
    this.parts = parts
  }

  /** Bids for the newest step, now or when its turn comes, unless it is somebody else's. */
  bid(flight: Flight, nowMs: number): Effect[] {
    if (flight.newest.next !== undefined && !this.standsBy(flight)) return []
    return this.claim(flight, this.parts.bidding.plan(flight, nowMs), nowMs)
  }

  /** Takes layers of the newest step, if there are any to take. */
  claim(flight: Flight, layers: readonly number[] | undefined, nowMs: number): Effect[] {
    if (layers === undefined || layers.length === 0) return []
    const { bidding, pace, serving } = this.parts
    return serving.claim(flight, layers, { ...bidding.offer(), layerMs: pace.layerMs }, nowMs)
  }

  /** Somebody claims the newest step. */
  claimed(flight: Flight, from: PeerId, claim: Claim, nowMs: number): Effect[] {
    const { request } = flight
    const { rivals, claims, work, bidding } = this.parts
    if (rivals.isDistrusted(from, nowMs)) return []
    const holder = claims.get(request)
    const contested = holder !== undefined && holder.peer !== from && holder.untilMs > nowMs
    if (contested && !rivals.prevails(claim, from, holder.peer)) return []
    if (holder === undefined) rivals.responded(flight, from, nowMs)
    const effects = holder?.peer === this.self ? work.abandon(request) : []
    const ownMs = rivals.ownFinishMs(flight, bidding.offer())
    claims.claimed(request, from, claim.ttlMs, rivals.patienceMs(from, ownMs), nowMs)
    return effects.concat(this.bid(flight, nowMs))
  }

  /** A claimer cannot do it after all: somebody else may. */
  declined(flight: Flight, from: PeerId, { lost }: Claim, nowMs: number): Effect[] {
    const { request } = flight
    const { claims, table, work } = this.parts
    flight.declinedBy(from)
    flight.disturb()
    const holder = claims.get(request)
    if (holder !== undefined && holder.peer !== from) return []
    claims.free(request)
    if (holder !== undefined && lost) flight.pullFailed()
    // Whoever has the tensor in hand does not give it up.
    if (lost && !work.has(request)) judgeTensor(flight, table, this.self)
    return this.bid(flight, nowMs)
  }

  /**
   * Of few witnesses none hears the next steps, so only the requester can tell that a request stands still;
   * and whoever has no way to the requester would not hear that it has ended. They bear witness only.
   */
  private standsBy({ newest }: Flight): boolean {
    return this.policy.witnesses === 'lane' && this.parts.neighbourhood.reaches(newest.requester)
  }
}
