import { Conduct } from '../claims/conduct.ts'
import {
  type Candidate,
  claimWins,
  finishMs,
  type Rank,
  rankAmong,
} from '../claims/first-answer.ts'
import { ResponseTime } from '../claims/response-time.ts'
import { draw } from '../draw.ts'
import { CLAIM_STAGGER_MS_MAX, LAYERS_MAX } from '../limits.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import type { ModelShape } from '../step.ts'
import type { Claim, PeerId, Step } from '../wire/messages.ts'
import type { Flight } from './flight.ts'

export interface RivalsOptions {
  readonly self: PeerId
  readonly shape: ModelShape
  /** Least time between the claims of two neighbours in rank, milliseconds. */
  readonly staggerMs: number
}

/** What this provider would offer for a step. */
export interface OwnOffer {
  readonly pending: number
  readonly layerMs: number
  readonly unproven: boolean
}

/** A held tensor is assumed to arrive at this many bytes per millisecond (4 Mbit/s) or faster. */
const PULL_BYTES_PER_MS = 500

/**
 * What a provider knows of the others that could take a step: their load, their conduct, how far
 * they are, and how long answers take on this lane.
 */
export class Rivals {
  readonly conduct = new Conduct()
  private readonly responses = new ResponseTime()
  /** Claims in force per peer: the load that everyone can see. */
  private readonly pending = new Map<PeerId, number>()
  private readonly options: RivalsOptions
  private readonly table: PeerTable
  private readonly mark: number

  constructor(options: RivalsOptions, table: PeerTable) {
    this.options = options
    this.table = table
    this.mark = draw(options.self)
  }

  /** Where this provider stands among all that could take the flight's newest step. */
  rank(flight: Flight, offer: OwnOffer, open: readonly boolean[], nowMs: number): Rank {
    const { base } = flight
    return rankAmong(
      base.request,
      round(base),
      this.own(flight, offer),
      this.others(flight, open, nowMs),
    )
  }

  /** When this provider would be done with the flight's newest step, milliseconds from now. */
  ownFinishMs(flight: Flight, offer: OwnOffer): number {
    return finishMs(this.own(flight, offer))
  }

  /** Between the claims of two neighbours in rank: as long as answers take on this lane. */
  staggerMs(): number {
    return this.responses.patienceMs(this.options.staggerMs, CLAIM_STAGGER_MS_MAX)
  }

  /** Of two claimers, whoever has delivered before; among equals the draw. */
  prevails({ request, hop }: Claim, newcomer: PeerId, holder: PeerId): boolean {
    const isProven = (peer: PeerId) => peer === this.options.self || this.conduct.isProven(peer)
    const known = isProven(newcomer)
    return known === isProven(holder) ? claimWins(request, hop, newcomer, holder) : known
  }

  /** The claim on a flight has changed. */
  claimChanged(before: Flight['claim'], after: Flight['claim']): void {
    if (before !== undefined) {
      const left = (this.pending.get(before.peer) ?? 1) - 1
      if (left > 0) this.pending.set(before.peer, left)
      else this.pending.delete(before.peer)
    }
    if (after !== undefined) this.pending.set(after.peer, (this.pending.get(after.peer) ?? 0) + 1)
  }

  /** Learns from others how long answers take on this lane; whoever was not expected tells nothing of it. */
  responded(flight: Flight, from: PeerId, nowMs: number): void {
    if (from === this.options.self || flight.disturbed) return
    const ms = nowMs - flight.baseAtMs
    if (from === flight.favourite) this.responses.observe(ms)
  }

  /** Somebody has run a layer on the flight's newest step. */
  delivered(flight: Flight, author: PeerId, nowMs: number): void {
    this.responded(flight, author, nowMs)
    const ms = flight.disturbed ? undefined : nowMs - flight.baseAtMs
    if (author !== this.options.self) this.conduct.delivered(author, ms, nowMs)
  }

  private own({ base, failed, gaveUp }: Flight, offer: OwnOffer): Candidate {
    const { self } = this.options
    return {
      ...offer,
      peer: self,
      mark: this.mark,
      transitMs: this.transitMs(base, self),
      failed: failed.has(self) || gaveUp.has(self),
    }
  }

  private others(flight: Flight, open: readonly boolean[], nowMs: number): Candidate[] {
    const { base, failed, gaveUp } = flight
    const others: Candidate[] = []
    for (const { peer, mark, presence } of this.table.all()) {
      if (!presence.layers.some((layer) => open[layer])) continue
      others.push({
        peer,
        mark,
        pending: this.pending.get(peer) ?? 0,
        layerMs: presence.layerMs,
        transitMs: this.transitMs(base, peer),
        unproven: !this.conduct.isProven(peer),
        slow: this.conduct.isSlow(peer, nowMs),
        failed: failed.has(peer) || gaveUp.has(peer) || this.conduct.isDistrusted(peer, nowMs),
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
