import { draw } from '../draw.ts'
import type { Effect } from '../effects.ts'
import type { Ways } from '../presence/ways.ts'
import { isComplete, type ModelShape } from '../step.ts'
import type { PeerId, Step } from '../wire/messages.ts'
import type { Author } from './author.ts'
import type { Bidding } from './bidding.ts'
import type { ClaimBook } from './claim-book.ts'
import type { Contest } from './contest.ts'
import type { Flight } from './flight.ts'
import type { Following } from './following.ts'
import type { HandOvers } from './hand-over.ts'
import { NAMED_FACTOR, NAMED_MS_MIN, UNPAID_MS } from './limits.ts'
import type { Rivals } from './rivals.ts'
import type { Serving } from './serving.ts'
import type { Work } from './work.ts'

/** What heeding a step may lead to. */
export interface HeedingParts {
  readonly ways: Ways
  readonly following: Following
  readonly claims: ClaimBook
  readonly work: Work
  readonly rivals: Rivals
  readonly bidding: Bidding
  readonly serving: Serving
  readonly handOvers: HandOvers
  readonly author: Author
  readonly contest: Contest
}

/**
 * What a step asks of this provider: to run it, to pass its tensor on, to bid for it, or nothing.
 *
 * 1. Nothing that it had in hand for an older step outlives a newer one.
 * 2. A step that names it is run, passed on or declined at once; while another is named nothing is done.
 * 3. The same step said twice asks for nothing, unless another is named, or nobody any more.
 */
export class Heeding {
  private readonly self: PeerId
  private readonly shape: ModelShape
  private readonly parts: HeedingParts

  constructor(options: { self: PeerId; shape: ModelShape }, parts: HeedingParts) {
    this.self = options.self
    this.shape = options.shape
    this.parts = parts
  }

  /** The first step of a request that it hears of. */
  first(from: PeerId, step: Step, nowMs: number, payer = from): Effect[] {
    // What this member asked itself it follows from the start; somebody speaks in its name, or much too late.
    if (step.requester === this.self) return []
    const flight = this.parts.following.begin(from, step, payer, nowMs)
    if (flight === 'ban') return [{ do: 'ban', peer: from }]
    if (flight === 'ignore') return []
    // What came late of somebody who has gone: nobody will say that it is over.
    if (!this.parts.ways.reaches(payer)) flight.endBy(nowMs + UNPAID_MS)
    return [...this.parts.following.makeRoom(flight), ...this.begin(flight, nowMs)]
  }

  /** A step that supersedes the newest of a request that it follows. */
  next(flight: Flight, step: Step, nowMs: number): Effect[] {
    flight.advance(step, nowMs)
    return [...this.parts.following.letGo(flight), ...this.begin(flight, nowMs)]
  }

  /** The newest step is said again: with another favourite, or for whoever answers first. */
  again(flight: Flight, from: PeerId, step: Step, nowMs: number): Effect[] {
    const { handOvers, author, claims, work, contest, bidding } = this.parts
    if (from === this.self) return step.next === undefined ? contest.bid(flight, nowMs) : []
    // The tensor is here, and only whoever holds one may say where it goes: another's version of the step is none.
    if (step.next === this.self && handOvers.leads(flight))
      return author.declined(flight, from, nowMs)
    if (step.next !== flight.newest.next && handOvers.leads(flight)) {
      // Whoever was to pass the tensor on has done so, and answers for it now; nobody else takes it over.
      if (from !== flight.newest.next) return []
      author.ended(flight, from)
      claims.free(flight.request)
      return []
    }
    // The same by gossip that it was told.
    if (step.next !== undefined && step.next === flight.newest.next) return []
    flight.repeat(step, nowMs)
    if (step.next !== undefined) return this.heed(flight, step.next, nowMs)
    if (work.has(flight.request) || claims.isHeld(flight.request, nowMs)) return []
    return contest.claim(flight, bidding.hurry(flight, nowMs), nowMs)
  }

  /** Work on a new step. */
  private begin(flight: Flight, nowMs: number): Effect[] {
    const { newest } = flight
    const { requester, route, next } = newest
    // Named for a complete step it passes the last output on.
    const isOpen = !isComplete(newest, this.shape.layers)
    if (isOpen || (next === this.self && requester !== this.self))
      return this.heed(flight, next, nowMs)
    const isConcerned = requester === this.self || route.some(({ peer }) => peer === this.self)
    return isConcerned ? [] : this.parts.following.drop(flight, nowMs)
  }

  /** Goes on if it is named for the step, and bids if nobody is. */
  private heed(flight: Flight, next: PeerId | undefined, nowMs: number): Effect[] {
    if (next === this.self) return this.accept(flight, nowMs)
    const { claims, rivals, contest } = this.parts
    if (next !== undefined) {
      const ms = Math.max(NAMED_MS_MIN, NAMED_FACTOR * rivals.staggerMs())
      claims.put(flight.request, next, nowMs + ms)
    }
    return contest.bid(flight, nowMs)
  }

  /** This provider is named for the newest step. */
  private accept(flight: Flight, nowMs: number): Effect[] {
    const { bidding, serving } = this.parts
    if (flight.bars(draw(this.self))) return serving.decline(flight)
    const answer = bidding.answer(flight, nowMs)
    switch (answer) {
      case 'at-work':
        return []
      case 'relay':
        return serving.relay(flight)
      case 'decline':
        return serving.decline(flight)
      default:
        return serving.accept(flight, answer, nowMs)
    }
  }
}
