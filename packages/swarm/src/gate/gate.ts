import {
  BAN_MS,
  BANS_MAX,
  CLAIMED_MS_BURST,
  CLAIMED_MS_PER_SECOND,
  LANE_MESSAGES_BURST,
  LANE_MESSAGES_PER_SECOND,
  PRESENCE_MESSAGES_BURST,
  PRESENCE_MESSAGES_PER_SECOND,
  QUOTA_AUTHORS_MAX,
  REJECTS_PER_NEIGHBOUR_MAX,
} from '../limits.ts'
import type { Message, PeerId } from '../wire/messages.ts'
import { createBans } from './bans.ts'
import { createLaneReach } from './lane-reach.ts'
import type { FaultKind, Judged } from './message-rules.ts'
import { createNewest } from './newest.ts'
import { createQuota, type Rate } from './quota.ts'

/** A message as it comes in: signed, and its signature checked, or from the peer at the other end of a stream. */
export interface Arrival {
  /** The neighbour that handed it over, which may only have passed it on. */
  readonly source: string
  /** Who signed it. */
  readonly author: PeerId
  /** Whether it is counted as presence; otherwise it is one of a lane's steps, claims and ends. */
  readonly isPresence: boolean
  /**
   * Grows with every message of its author, from one session to the next: gossipsub's number. Undefined
   * for what came over a stream, on which nothing of its author overtakes it.
   */
  readonly number: bigint | undefined
  /** What `judgeMessage` says of its bytes. Asked once, and only of an author that may speak. */
  content(): Judged
}

/** Why a message is not taken although nothing is wrong with it: other peers may take it. */
export type IgnoreReason = 'banned' | 'over-rate' | 'old-news'

/** What is to become of a message. */
export type Verdict =
  /** Deliver it; without `passOn`, everybody else hears its author without help. */
  | { readonly verdict: 'deliver'; readonly message: Message; readonly passOn: boolean }
  /** Neither deliver it nor pass it on; nobody is to blame. */
  | { readonly verdict: 'ignore'; readonly reason: IgnoreReason }
  /** Neither deliver it nor pass it on; the neighbour should have refused it too. */
  | { readonly verdict: 'reject'; readonly kind: FaultKind; readonly fault: string }
  /** The same, and it was one too many: the neighbour is banned now and is to be hung up on. */
  | {
      readonly verdict: 'ban'
      readonly kind: FaultKind
      readonly fault: string
      readonly peer: string
    }

/** What a gate counts on; by default what every peer of a lane does. */
export interface GateOptions {
  /** The release of whose lanes this peer is in one, the first until `enter`; undefined for one that is in none, a bootstrap node. */
  readonly release: string | undefined
  /** Of each author's presence. */
  readonly presenceRate: Rate
  /** Of each author's steps, claims and ends. */
  readonly laneRate: Rate
  /** Milliseconds of work that each author claims before the whole lane. */
  readonly claimedRate: Rate
  /** Authors and neighbours remembered. */
  readonly authorsMax: number
  /** Refused messages within BAN_MS after which a neighbour is banned. */
  readonly rejectsMax: number
  readonly banMs: number
  readonly bansMax: number
  /** Whether a neighbour is to blame for handing on a refused message of this author. */
  blames(source: string, author: string): boolean
}

/** The limits of a lane; every neighbour is to blame. */
export const GATE_DEFAULTS: GateOptions = Object.freeze({
  release: undefined,
  presenceRate: { perSecond: PRESENCE_MESSAGES_PER_SECOND, burst: PRESENCE_MESSAGES_BURST },
  laneRate: { perSecond: LANE_MESSAGES_PER_SECOND, burst: LANE_MESSAGES_BURST },
  claimedRate: { perSecond: CLAIMED_MS_PER_SECOND, burst: CLAIMED_MS_BURST },
  authorsMax: QUOTA_AUTHORS_MAX,
  rejectsMax: REJECTS_PER_NEIGHBOUR_MAX,
  banMs: BAN_MS,
  bansMax: BANS_MAX,
  blames: () => true,
})

/**
 * Decides about every message before it is delivered or passed on: in a peer, on the signaling
 * server and in the lab alike.
 *
 * 1. A banned author is not heard, whoever passes its messages on; that blames nobody.
 * 2. An author beyond its rate is ignored, which blames nobody; presence and the lane are counted
 *    apart, and what is refused counts as well. So is a gossiped claim beyond the time that it may claim.
 * 3. A message that `judgeMessage` refuses is rejected. Every honest peer comes to that verdict, so
 *    the neighbour that handed it on is blamed; one that is blamed `rejectsMax` times is banned.
 *    Blame fades within `banMs`, so that rare refusals (a peer of a newer version) add up to nothing.
 * 4. Gossiped presence older than what was heard of its author lately is ignored: a late one undoes nothing.
 * 5. What is delivered is passed on, except what its author reaches everybody with and steps that name
 *    who goes on; presence is passed on by bootstrap nodes alone.
 * 6. All memory is bounded: `authorsMax` authors and neighbours, `bansMax` bans, PEERS_MAX members.
 */
export interface Gate {
  judge(arrival: Arrival, nowMs: number): Verdict
  /** Bans a peer for `banMs`; hanging up is left to who calls. */
  ban(peer: string, nowMs: number): void
  isBanned(peer: string, nowMs: number): boolean
  /** A peer is not connected any more: it does not reach everybody. */
  gone(peer: string): void
  /** This peer is in another lane of its release: who reaches everybody there is not known yet. */
  enter(lane: number): void
}

/** Makes a gate that has heard nothing yet. */
export function createGate(options: Partial<GateOptions> = {}): Gate {
  const all: GateOptions = { ...GATE_DEFAULTS, ...options }
  const { release, authorsMax: namesMax, rejectsMax, banMs, blames } = all
  const presenceQuota = createQuota({ ...all.presenceRate, namesMax })
  const laneQuota = createQuota({ ...all.laneRate, namesMax })
  const claimedQuota = createQuota({ ...all.claimedRate, namesMax })
  // One refusal less than a ban takes, all of them back after the time of a ban.
  const patience = createQuota({
    perSecond: (rejectsMax / banMs) * 1000,
    burst: rejectsMax - 1,
    namesMax,
  })
  const newest = createNewest(namesMax)
  const bans = createBans({ durationMs: banMs, peersMax: all.bansMax })
  let lane = 0
  let reach = createLaneReach()

  /** @returns whether the neighbour is banned for it. */
  function blame({ source, author }: Arrival, nowMs: number): boolean {
    if (!blames(source, author) || patience.take(source, nowMs)) return false
    bans.add(source, nowMs)
    return true
  }

  function claimsTooMuch({ author, number }: Arrival, message: Message, nowMs: number): boolean {
    const isGossiped = number !== undefined && message.kind === 'claim'
    return isGossiped && !claimedQuota.take(author, nowMs, message.ttlMs)
  }

  function deliver(arrival: Arrival, message: Message, nowMs: number): Verdict {
    const { author, number } = arrival
    if (message.kind !== 'presence') {
      if (claimsTooMuch(arrival, message, nowMs)) return { verdict: 'ignore', reason: 'over-rate' }
      // Whom a step names has it from its author; the others only stand by.
      const isForFew =
        (message.kind === 'step' && message.next !== undefined) ||
        (message.kind === 'done' && !message.isPublic)
      return { verdict: 'deliver', message, passOn: !isForFew && !reach.heardByAll(author, nowMs) }
    }
    if (number !== undefined && !newest.take(author, number, nowMs))
      return { verdict: 'ignore', reason: 'old-news' }
    if (message.release === release && message.lane === lane)
      reach.announced(author, message, nowMs)
    // Members hear one another directly; whom they cannot reach they hear of from a bootstrap node.
    return { verdict: 'deliver', message, passOn: release === undefined }
  }

  return {
    judge(arrival, nowMs) {
      const { source, author, isPresence } = arrival
      if (bans.has(author, nowMs)) return { verdict: 'ignore', reason: 'banned' }
      const quota = isPresence ? presenceQuota : laneQuota
      if (!quota.take(author, nowMs)) return { verdict: 'ignore', reason: 'over-rate' }
      const judged = arrival.content()
      if ('message' in judged) return deliver(arrival, judged.message, nowMs)
      const { kind, fault } = judged
      return blame(arrival, nowMs)
        ? { verdict: 'ban', kind, fault, peer: source }
        : { verdict: 'reject', kind, fault }
    },
    ban: (peer, nowMs) => bans.add(peer, nowMs),
    isBanned: (peer, nowMs) => bans.has(peer, nowMs),
    gone: (peer) => reach.gone(peer),
    enter(entered) {
      lane = entered
      reach = createLaneReach()
    },
  }
}
