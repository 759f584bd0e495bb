import { draw } from '../draw.ts'
import type { Effect } from '../effects.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import type { Claim, PeerId } from '../wire/messages.ts'
import type { Bidding } from './bidding.ts'
import type { ClaimBook } from './claim-book.ts'
import type { Flight } from './flight.ts'
import type { Following } from './following.ts'
import { judgeTensor } from './lost-tensor.ts'
import type { Pace } from './pace.ts'
import type { Rivals } from './rivals.ts'
import type { Serving } from './serving.ts'
import type { Work } from './work.ts'

/** What a contest looks at, and whom it tells what came of it. */
export interface ContestParts {
  readonly table: PeerTable
  readonly rivals: Rivals
  readonly claims: ClaimBook
  readonly work: Work
  readonly pace: Pace
  readonly bidding: Bidding
  readonly serving: Serving
  readonly following: Following
}

/**
 * Several may take a step that nobody is named for: one of them does. Where somebody is named, a link says so, and
 * nobody else could show to others that it may go on.
 *
 * 1. Of two claims on a step all members honour the same one; a claim of this provider's own that loses is
 *    given up with its work.
 * 2. Whoever has a tensor in hand does not give it up for somebody who cannot have it.
 * 3. It never bids while another is named, whatever was planned before.
 */
export class Contest {
  private readonly self: PeerId
  private readonly parts: ContestParts

  constructor(options: { self: PeerId }, parts: ContestParts) {
    this.self = options.self
    this.parts = parts
  }

  /** Bids for the newest step, now or when its turn comes, unless it is somebody else's. */
  bid(flight: Flight, nowMs: number): Effect[] {
    if (flight.newest.next !== undefined) {
      // Nor when its turn comes that was planned while nobody was named: whoever is named has been signed for.
      this.parts.bidding.forget(flight)
      return []
    }
    return this.claim(flight, this.parts.bidding.plan(flight, nowMs), nowMs)
  }

  /** A slot or a layer is free: bids on everything that nobody works on. */
  bidOnIdle(nowMs: number): Effect[] {
    const { bidding, following, work } = this.parts
    if (!bidding.isOpen) return []
    const effects: Effect[] = []
    for (const flight of following.all()) {
      const isIdle = bidding.dueMs(flight) === Number.POSITIVE_INFINITY
      if (isIdle && !work.has(flight.request)) effects.push(...this.bid(flight, nowMs))
    }
    return effects
  }

  /** Its share of the time is another: bids that were put off until the end of a rest are reckoned anew. */
  bidAnew(nowMs: number): Effect[] {
    const { following, work } = this.parts
    const waiting = [...following.all()].filter(({ request }) => !work.has(request))
    return waiting.flatMap((flight) => this.bid(flight, nowMs))
  }

  /** Takes layers of the newest step, if there are any to take. */
  claim(flight: Flight, layers: readonly number[] | undefined, nowMs: number): Effect[] {
    if (layers === undefined || layers.length === 0) return []
    if (flight.bars(draw(this.self))) return []
    const { bidding, pace, serving } = this.parts
    return serving.claim(flight, layers, { ...bidding.offer(), layerMs: pace.layerMs }, nowMs)
  }

  /** Somebody claims the newest step. */
  claimed(flight: Flight, from: PeerId, claim: Claim, nowMs: number): Effect[] {
    const { request } = flight
    const { rivals, claims, work, bidding } = this.parts
    if (rivals.isDistrusted(from, nowMs) || flight.bars(draw(from))) return []
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
    flight.doubts.declinedBy(from)
    flight.wait.disturb()
    const holder = claims.get(request)
    if (holder !== undefined && holder.peer !== from) return []
    claims.free(request)
    if (holder !== undefined && lost) flight.doubts.pullFailed()
    // Whoever has the tensor in hand does not give it up.
    if (lost && !work.has(request)) judgeTensor(flight, table, this.self)
    return this.bid(flight, nowMs)
  }
}
