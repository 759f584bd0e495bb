import type { PeerId, RequestId } from '../wire/messages.ts'

/** A provider that could take a step, as one member sees it. */
export interface Candidate {
  readonly peer: PeerId
  /** `draw(peer)`, computed once per peer. */
  readonly mark: number
  /** Layer runs that it has claimed and not yet delivered. */
  readonly pending: number
  /** Its own measurement of one layer run, milliseconds. */
  readonly layerMs: number
  /** How long the activation is on its way to it, milliseconds; 0 for the author of the step. */
  readonly transitMs: number
  /** It has never delivered anything to whoever judges. */
  readonly unproven: boolean
  /** Its deliveries take several times as long as usual. */
  readonly slow: boolean
  /** It let a claim on this request expire, or said that it will not do this step. */
  readonly failed: boolean
}

/** Where a candidate stands among all. */
export interface Rank {
  /** Candidates that claim before it. */
  readonly ahead: number
  /** Who claims at once. */
  readonly favourite: PeerId
}

/**
 * Who claims a step, and when. A policy is one file in this folder: pure, without state, and the same
 * in every provider of a lane, because each one ranks itself and must expect of the others what they do.
 */
export interface ClaimPolicy {
  /** How reports and options call it. */
  readonly name: string
  /**
   * Ranks `self` among all others that could take a step.
   * @param round tells the steps of a request apart: hops, and eras beyond them.
   */
  rank(request: RequestId, round: number, self: Candidate, others: readonly Candidate[]): Rank
  /** How long a candidate with so many ahead of it waits before it claims, milliseconds. */
  delayMs(ahead: number, staggerMs: number): number
  /** Whether the claim of `a` holds against that of `b`, made on the same step. */
  wins(request: RequestId, hop: number, a: PeerId, b: PeerId): boolean
  /** Which of the open layers that it hosts a provider takes; undefined for none. */
  choose(layers: readonly number[], request: RequestId, self: PeerId): number | undefined
}
