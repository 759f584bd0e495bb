import type { Effect } from '../effects.ts'
import { isComplete, type ModelShape } from '../step.ts'
import type { PeerId, Step } from '../wire/messages.ts'
import type { Author } from './author.ts'
import type { Bidding } from './bidding.ts'
import type { ClaimBook } from './claim-book.ts'
import type { Contest } from './contest.ts'
import type { Flight } from './flight.ts'
import type { Following } from './following.ts'
import { STAND_BY_FACTOR, STAND_BY_MS_MIN } from './limits.ts'
import type { Rivals } from './rivals.ts'
import type { Serving } from './serving.ts'
import type { Work } from './work.ts'

/** What heeding a step may lead to. */
export interface HeedingParts {
  readonly following: Following
  readonly claims: ClaimBook
  readonly work: Work
  readonly rivals: Rivals
  readonly bidding: Bidding
  readonly serving: Serving
  readonly author: Author
  readonly contest: Contest
}

/** What a step asks of this provider: to run it, to pass its tensor on, to stand by, or nothing. */
export class Heeding {
  private readonly self: PeerId
  private readonly shape: ModelShape
  private readonly parts: HeedingParts

  constructor(options: { self: PeerId; shape: ModelShape }, parts: HeedingParts) {
    this.self = options.self
    this.shape = options.shape
    this.parts = parts
  }

  /** Work on a new step. */
  begin(flight: Flight, nowMs: number): Effect[] {
    const { following } = this.parts
    const effects = following.letGo(flight)
    if (!isComplete(flight.newest, this.shape.layers))
      return effects.concat(this.heed(flight, nowMs))
    const { requester, route, next } = flight.newest
    if (requester === this.self) return effects
    // Named for a complete step it passes the last output on.
    if (next === this.self) return effects.concat(this.heed(flight, nowMs))
    return route.some(({ peer }) => peer === this.self)
      ? effects
      : effects.concat(following.drop(flight, nowMs))
  }

  /** The newest step is said again: with another favourite, or for whoever answers first. */
  again(flight: Flight, from: PeerId, step: Step, nowMs: number): Effect[] {
    const { author, claims, work, contest, bidding } = this.parts
    if (from === this.self) return step.next === undefined ? contest.bid(flight, nowMs) : []
    if (step.next !== this.self && step.next !== flight.newest.next && author.leads(flight)) {
      // Whoever was to pass the tensor on has done so, and answers for it now; nobody else takes it over.
      if (from !== flight.newest.next) return []
      author.ended(flight, from)
      claims.free(flight.request)
      return []
    }
    // The same by gossip that it was told.
    if (step.next !== undefined && step.next === flight.newest.next) return []
    flight.repeat(step, nowMs)
    if (step.next !== undefined) return this.heed(flight, nowMs)
    if (work.has(flight.request) || claims.isHeld(flight.request, nowMs)) return []
    return contest.claim(flight, bidding.hurry(flight, nowMs), nowMs)
  }

  /** Goes on if it is named for the step, stands by otherwise. */
  private heed(flight: Flight, nowMs: number): Effect[] {
    const { next } = flight.newest
    if (next === this.self) return this.accept(flight, nowMs)
    const { claims, rivals, contest } = this.parts
    if (next !== undefined) {
      const ms = Math.max(STAND_BY_MS_MIN, STAND_BY_FACTOR * rivals.staggerMs())
      claims.put(flight.request, next, nowMs + ms)
    }
    return contest.bid(flight, nowMs)
  }

  /** This provider is named for the newest step. */
  private accept(flight: Flight, nowMs: number): Effect[] {
    const { work, bidding, serving } = this.parts
    if (work.has(flight.request)) return []
    if (!bidding.isFor(flight)) return serving.relay(flight)
    const layers = bidding.accept(flight, nowMs)
    if (layers === undefined) return serving.decline(flight)
    return serving.accept(flight, layers, nowMs)
  }
}
