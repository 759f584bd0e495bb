import type { Conduct } from '../claims/conduct.ts'
import type { Candidate, ClaimPolicy, Rank } from '../claims/policy.ts'
import { ResponseTime } from '../claims/response-time.ts'
import { draw } from '../draw.ts'
import { CLAIM_STAGGER_MS_MAX, LAYERS_MAX } from '../limits.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import { follows } from '../step.ts'
import type { Claim, PeerId, Step } from '../wire/messages.ts'
import type { ClaimBook } from './claim-book.ts'
import type { Flight } from './flight.ts'
import { PULL_BYTES_PER_MS } from './limits.ts'

/** What a provider must know to compare itself with others. */
export interface RivalsOptions {
  readonly self: PeerId
  readonly policy: ClaimPolicy
  /** Least time between the claims of two neighbours in rank, milliseconds. */
  readonly staggerMs: number
}

/** What this provider would offer for a step. */
export interface OwnOffer {
  readonly pending: number
  /** One layer run, milliseconds. */
  readonly layerMs: number
  readonly unproven: boolean
}

/**
 * What a provider knows of the others that could take a step: their load, their conduct, how far
 * they are, and how long answers take on this lane.
 *
 * 1. It learns from what others do, never from this provider's own runs.
 * 2. A disturbed step teaches nothing about time.
 */
export class Rivals {
  private readonly conduct: Conduct
  private readonly responses = new ResponseTime()
  private readonly options: RivalsOptions
  private readonly table: PeerTable
  private readonly claims: ClaimBook
  private readonly mark: number

  constructor(options: RivalsOptions, table: PeerTable, claims: ClaimBook, conduct: Conduct) {
    this.options = options
    this.table = table
    this.claims = claims
    this.conduct = conduct
    this.mark = draw(options.self)
  }

  /** Where this provider stands among all that could take the flight's newest step. */
  rank(flight: Flight, offer: OwnOffer, open: readonly boolean[], nowMs: number): Rank {
    const { request, newest } = flight
    const own = this.own(flight, offer)
    const others = this.others(flight, open, nowMs)
    return this.options.policy.rank(request, round(newest), own, others)
  }

  /** When this provider would be done with the flight's newest step, milliseconds from now. */
  ownFinishMs({ newest }: Flight, offer: OwnOffer): number {
    return this.transitMs(newest, this.options.self) + (offer.pending + 1) * offer.layerMs
  }

  /** Between the claims of two neighbours in rank, milliseconds: as long as answers take on this lane. */
  staggerMs(): number {
    return this.responses.patienceMs(this.options.staggerMs, CLAIM_STAGGER_MS_MAX)
  }

  /** Whether a peer's claims deserve no waiting. */
  isDistrusted(peer: PeerId, nowMs: number): boolean {
    return this.conduct.isDistrusted(peer, nowMs)
  }

  /** Of two claimers, whoever has delivered before; among equals the policy. */
  prevails({ request, hop }: Claim, newcomer: PeerId, holder: PeerId): boolean {
    const isProven = (peer: PeerId) => peer === this.options.self || this.conduct.isProven(peer)
    const known = isProven(newcomer)
    return known === isProven(holder)
      ? this.options.policy.wins(request, hop, newcomer, holder)
      : known
  }

  /** How long a peer's claim is honoured at most, milliseconds. @param ownMs what this provider itself would need. */
  patienceMs(peer: PeerId, ownMs: number): number {
    return this.conduct.patienceMs(peer, ownMs)
  }

  /** A claim ran out without a step. */
  missed(flight: Flight, peer: PeerId, nowMs: number): void {
    flight.doubts.letDownBy(peer)
    flight.wait.disturb()
    if (peer !== this.options.self) this.conduct.expired(peer, nowMs)
  }

  /** What a newer step tells of its author, and of whoever had claimed the one before. */
  superseded(flight: Flight, step: Step, nowMs: number): void {
    const claim = this.claims.get(flight.request)
    const author = step.route.at(-1)?.peer
    if (claim !== undefined && claim.untilMs <= nowMs && claim.peer !== author)
      this.missed(flight, claim.peer, nowMs)
    this.learnFrom(step)
    // Who goes on with their own output shows nothing of the way between peers.
    if (author !== undefined && author !== flight.author && follows(step, flight.newest))
      this.delivered(flight, author, nowMs)
  }

  /** Whoever somebody proven has gone on from has delivered; what others say of one another vouches for nobody. */
  private learnFrom({ route }: Step): void {
    const { self } = this.options
    for (const [at, { peer }] of route.entries()) {
      const follower = route[at + 1]?.peer ?? peer
      if (follower === peer || peer === self) continue
      if (follower === self || this.conduct.isProven(follower)) this.conduct.vouched(peer)
    }
  }

  /** Somebody was the first to respond to the newest step; whoever was not expected tells nothing of the lane. */
  responded(flight: Flight, from: PeerId, nowMs: number): void {
    const ms = flight.wait.undisturbedMs(nowMs)
    if (from === this.options.self || ms === undefined) return
    if (flight.wait.isExpected(from)) this.responses.observe(ms)
  }

  /** Somebody has run a layer on the flight's newest step. */
  private delivered(flight: Flight, author: PeerId, nowMs: number): void {
    this.responded(flight, author, nowMs)
    if (author !== this.options.self)
      this.conduct.delivered(author, flight.wait.undisturbedMs(nowMs), nowMs)
  }

  private own(flight: Flight, offer: OwnOffer): Candidate {
    const { self } = this.options
    return {
      ...offer,
      peer: self,
      mark: this.mark,
      transitMs: this.transitMs(flight.newest, self),
      slow: false,
      failed: flight.doubts.isDoubted(self),
    }
  }

  private others(flight: Flight, open: readonly boolean[], nowMs: number): Candidate[] {
    const others: Candidate[] = []
    const loads = this.claims.loads(nowMs)
    for (const { peer, mark, presence } of this.table.all()) {
      if (!presence.layers.some((layer) => open[layer])) continue
      others.push({
        peer,
        mark,
        pending: loads.get(peer) ?? 0,
        layerMs: presence.layerMs,
        transitMs: this.transitMs(flight.newest, peer),
        unproven: !this.conduct.isProven(peer),
        slow: this.conduct.isSlow(peer, nowMs),
        failed: flight.doubts.isDoubted(peer) || this.conduct.isDistrusted(peer, nowMs),
      })
    }
    return others
  }

  /** Whoever computed the activation has it already; to everyone else it must travel. */
  private transitMs({ route, activation }: Step, peer: PeerId): number {
    if (route.at(-1)?.peer === peer) return 0
    const { typicalMs } = this.responses
    if (activation.place === 'inline') return typicalMs
    // The step, the question and the answer.
    return 3 * typicalMs + activation.size / PULL_BYTES_PER_MS
  }
}

/** A new era has a new favourite: the old one may be why it began. */
function round({ route, era }: Step): number {
  return route.length + era * LAYERS_MAX
}
