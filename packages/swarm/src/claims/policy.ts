import type { PeerId, RequestId } from '../wire/messages.ts'
import type { LayerSet } from './layer-set.ts'

/** A provider that could take a step, as another provider ranks it. */
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

/** A provider that an author could choose, as that author sees it. Times in milliseconds. */
export interface Host {
  readonly peer: PeerId
  /** `draw(peer)`. */
  readonly mark: number
  readonly layers: LayerSet
  /** Layers of one visit that are believed: a stranger is believed what is usual. */
  readonly layersMost: number
  readonly layerMs: number
  /** It has measured that itself. */
  readonly isMeasured: boolean
  /** Layer runs that wait there already. */
  readonly pending: number
  /** There is a direct connection to it. */
  readonly isReachable: boolean
  /** It has delivered, to the author or to somebody who has. */
  readonly isProven: boolean
  /** The author owes this newcomer a trial. */
  readonly isOwed: boolean
  /** How often, and how lately, it was silent; 0 for not at all. */
  readonly doubt: number
  /** What it is expected to cost beyond its work: a straggler's delay, a stranger's time-outs. */
  readonly extraMs: number
  /** The tensor on its way through its access, both directions. */
  readonly transferMs: number
}

/** What an author chooses from. */
export interface Choice {
  readonly request: RequestId
  /** Tells the choices of one request apart: hops, eras, and tries beyond them. */
  readonly round: number
  readonly self: PeerId
  readonly requester: PeerId
  /** Layers that are still to be applied. */
  readonly open: LayerSet
  /** Of these, as many as one visit applies at most. */
  readonly visitLayers: number
  /** All members that host anything. */
  readonly hosts: readonly Host[]
  /** Of so many choices one goes to a stranger, whatever the distance. */
  readonly trialOneIn: number
  /** One way between two members, as measured or announced, milliseconds; WAY_UNKNOWN_MS while it is not known. */
  wayMs(from: PeerId, to: PeerId): number
}

/** Whom an author has chosen. */
export interface Favourite {
  readonly host: Host
  /** It is a stranger on trial. */
  readonly isTrial: boolean
  /** Everybody left was silent once: it is waited for with more patience. */
  readonly isAgain: boolean
}

/**
 * Who goes on with a step, and when. A policy is one file in this folder: pure, without state, and the
 * same in every provider of a lane, because each one must expect of the others what they do.
 */
export interface ClaimPolicy {
  /** How reports and options call it. */
  readonly name: string
  /** Who hears a step besides whom it names: the whole lane, or the requester and the previous author. */
  readonly witnesses: 'lane' | 'few'
  /** Layers that a provider runs in one visit, at most. */
  readonly visitLayers: number
  /** Whom the author of a step names to go on with it; undefined leaves it to whoever answers first. */
  favourite(choice: Choice): Favourite | undefined
  /**
   * Ranks `self` among all others that could take a step that nobody is named for.
   * @param round tells the steps of a request apart: hops, and eras beyond them.
   */
  rank(request: RequestId, round: number, self: Candidate, others: readonly Candidate[]): Rank
  /** How long a candidate with so many ahead of it waits before it claims, milliseconds. */
  delayMs(ahead: number, staggerMs: number): number
  /** Whether the claim of `a` holds against that of `b`, made on the same step. */
  wins(request: RequestId, hop: number, a: PeerId, b: PeerId): boolean
  /** The order in which a provider would run the open layers that it hosts. */
  order(layers: readonly number[], request: RequestId, self: PeerId): number[]
}
