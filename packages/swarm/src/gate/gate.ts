import {
  BAN_MS,
  BANS_MAX,
  CLAIMED_MS_BURST,
  CLAIMED_MS_PER_SECOND,
  GOSSIP_CONTROLS_BURST,
  GOSSIP_CONTROLS_PER_SECOND,
  HANDED_OVER_BURST,
  HANDED_OVER_PER_SECOND,
  LANE_MESSAGES_BURST,
  LANE_MESSAGES_PER_SECOND,
  OVER_RATE_BURST,
  OVER_RATE_PER_SECOND,
  PASSED_ON_BURST,
  PASSED_ON_PER_SECOND,
  PRESENCE_MESSAGES_BURST,
  PRESENCE_MESSAGES_PER_SECOND,
  QUOTA_AUTHORS_MAX,
  REJECTS_PER_NEIGHBOUR_MAX,
  STRANGERS_HEARD_BURST,
  STRANGERS_HEARD_PER_SECOND,
  STRANGERS_PASSED_ON_BURST,
  STRANGERS_PASSED_ON_PER_SECOND,
  TOLD_MESSAGES_BURST,
  TOLD_MESSAGES_PER_SECOND,
} from '../limits.ts'
import type { Message, PeerId, Presence } from '../wire/messages.ts'
import { type Bans, createBans } from './bans.ts'
import { createLaneReach, type LaneReach } from './lane-reach.ts'
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

/** What is known of a gossiped message before its signature is checked: that of its author is only claimed. */
export interface Knock extends Pick<Arrival, 'source' | 'isPresence'> {
  /** The neighbour itself, or any other. */
  readonly author: string
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
  /** The same, and it was one too many, or the neighbour floods: it is banned now and is to be hung up on. */
  | {
      readonly verdict: 'ban'
      readonly kind: FaultKind | 'flood'
      readonly fault: string
      readonly peer: string
    }

/** What a gate counts on; by default what every peer of a lane does. */
export interface GateOptions {
  /** The release of whose lanes this peer is in one, the first until `enter`; undefined for one that is in none, a bootstrap node. */
  readonly release: string | undefined
  /** Of each author's presence. */
  readonly presenceRate: Rate
  /** Of each author's steps, claims and ends that come by gossip. */
  readonly laneRate: Rate
  /** Of those that each neighbour tells. */
  readonly toldRate: Rate
  /** Of all that each neighbour hands over by gossip, its own and others'. */
  readonly handedOverRate: Rate
  /** Of parts of gossip's control that each neighbour says. */
  readonly controlRate: Rate
  /** Of each author's messages that this peer passes on. */
  readonly passedOnRate: Rate
  /** Of what each neighbour hands over of authors that are not known to be there. */
  readonly strangersHeardRate: Rate
  /** Of that, what this peer passes on. */
  readonly strangersRate: Rate
  /** Of a neighbour's own messages beyond a rate, before it is banned for them; undefined where it never is. */
  readonly overRate: Rate | undefined
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
  toldRate: { perSecond: TOLD_MESSAGES_PER_SECOND, burst: TOLD_MESSAGES_BURST },
  handedOverRate: { perSecond: HANDED_OVER_PER_SECOND, burst: HANDED_OVER_BURST },
  controlRate: { perSecond: GOSSIP_CONTROLS_PER_SECOND, burst: GOSSIP_CONTROLS_BURST },
  passedOnRate: { perSecond: PASSED_ON_PER_SECOND, burst: PASSED_ON_BURST },
  strangersHeardRate: { perSecond: STRANGERS_HEARD_PER_SECOND, burst: STRANGERS_HEARD_BURST },
  strangersRate: { perSecond: STRANGERS_PASSED_ON_PER_SECOND, burst: STRANGERS_PASSED_ON_BURST },
  overRate: { perSecond: OVER_RATE_PER_SECOND, burst: OVER_RATE_BURST },
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
 * 1. A banned author is not heard, whoever passes its messages on, and what a banned neighbour hands over is not
 *    either; that blames nobody.
 * 2. An author beyond its rate is ignored, and so is a neighbour, whoever's messages it hands over; presence, what is
 *    gossiped and what is told are counted apart, and what is refused counts as well. So is a gossiped claim beyond
 *    the time that it may claim. Nobody is to blame but a neighbour whose own messages go on being too many: it
 *    is banned.
 * 3. A message that `judgeMessage` refuses is rejected. Every honest peer comes to that verdict, so
 *    the neighbour that handed it on is blamed; one that is blamed `rejectsMax` times is banned.
 *    Blame fades within `banMs`, so that rare refusals (a peer of a newer version) add up to nothing.
 * 4. Presence comes from its author or by way of a bootstrap node; a member that hands over another's is blamed.
 *    Gossiped presence older than what was heard of its author lately is ignored: a late one undoes nothing.
 * 5. What is delivered is passed on, except what its author reaches everybody with, steps that name who goes on,
 *    more than a little of what a neighbour hands over of authors that are not known to be there, and more of one
 *    author than anybody needs; presence is passed on by bootstrap nodes alone.
 * 6. What can be counted before a signature is checked is counted before: all that a neighbour hands over, of its own
 *    messages everything, and what a lane hears of authors that are not known to be there, whose names cost nothing.
 *    Whoever hands over what nobody has signed is blamed, and so is who says more of gossip's control than it may.
 * 7. All memory is bounded: `authorsMax` authors and neighbours, `bansMax` bans, PEERS_MAX members.
 */
export interface Gate {
  /** All at once: `admit`, then `judgeAdmitted`. */
  judge(arrival: Arrival, nowMs: number): Verdict
  /** Whether a gossiped message is worth checking its signature; undefined when it is. */
  admit(knock: Knock, nowMs: number): Verdict | undefined
  /** Judges a message that was admitted, and whose signature is its author's. */
  judgeAdmitted(arrival: Arrival, nowMs: number): Verdict
  /** Whether a neighbour may say so many parts of gossip's control more: who wants what, and from whom. */
  heeds(source: string, parts: number, nowMs: number): boolean
  /** A neighbour sent what no honest one sends, as a message that nobody has signed; @returns whether it is banned for it now. */
  blame(source: string, nowMs: number): boolean
  /** Bans a peer for `banMs`; hanging up is left to who calls. */
  ban(peer: string, nowMs: number): void
  isBanned(peer: string, nowMs: number): boolean
  /** A peer is not connected any more: it does not reach everybody. */
  gone(peer: string): void
  /** This peer is in another lane of its release: who reaches everybody there is not known yet. */
  enter(lane: number): void
}

/** What a neighbour is told to have done that floods. */
const FLOOD = 'more messages than anybody needs'

const HEARSAY = { kind: 'not-allowed', fault: 'presence of somebody else' } as const

type LaneMessage = Exclude<Message, Presence>

/** What the whole lane need not hear. */
function isForFew(message: LaneMessage): boolean {
  return message.kind === 'done' && !message.isPublic
}

/** Counts messages. */
interface Rates {
  /** Whether a gossiped one is too many of the neighbour that hands it over. */
  isTooMuchFrom(knock: Knock, reach: LaneReach, nowMs: number): boolean
  /** Whether an admitted one, or a told one, is too many of its author. */
  isTooMuchOf(arrival: Arrival, nowMs: number): boolean
  /** Whether a gossiped claim is beyond the time that its author may claim. */
  claimsTooMuch(arrival: Arrival, message: Message, nowMs: number): boolean
}

function createRates({ authorsMax: namesMax, ...rates }: GateOptions): Rates {
  const presence = createQuota({ ...rates.presenceRate, namesMax })
  const lane = createQuota({ ...rates.laneRate, namesMax })
  const told = createQuota({ ...rates.toldRate, namesMax })
  const handedOver = createQuota({ ...rates.handedOverRate, namesMax })
  const strangers = createQuota({ ...rates.strangersHeardRate, namesMax })
  const claimed = createQuota({ ...rates.claimedRate, namesMax })
  const gossiped = (isPresence: boolean) => (isPresence ? presence : lane)
  return {
    isTooMuchFrom({ source, author, isPresence }, reach, nowMs) {
      // The neighbour first: whoever makes up authors pays with its own share.
      if (!handedOver.take(source, nowMs)) return true
      if (source === author) return !gossiped(isPresence).take(source, nowMs)
      return !isPresence && !reach.knows(author, nowMs) && !strangers.take(source, nowMs)
    },
    isTooMuchOf({ source, author, isPresence, number }, nowMs) {
      if (number === undefined && !isPresence) return !told.take(author, nowMs)
      // A neighbour's own was counted when it was admitted.
      if (number !== undefined && source === author) return false
      return !gossiped(isPresence).take(author, nowMs)
    },
    claimsTooMuch({ author, number }, message, nowMs) {
      const isGossiped = number !== undefined && message.kind === 'claim'
      return isGossiped && !claimed.take(author, nowMs, message.ttlMs)
    },
  }
}

type IsForMore = (
  arrival: Arrival,
  message: LaneMessage,
  reach: LaneReach,
  nowMs: number,
) => boolean

/** Decides whether others are to hear of a message from here. */
function createPassing({ authorsMax: namesMax, ...rates }: GateOptions): IsForMore {
  const passedOn = createQuota({ ...rates.passedOnRate, namesMax })
  const strangers = createQuota({ ...rates.strangersRate, namesMax })
  return ({ source, author }, message, reach, nowMs) => {
    // Whom a step names has it from its author; the others have nothing to do.
    if (message.kind === 'step' ? message.next !== undefined : isForFew(message)) return false
    if (reach.heardByAll(author, nowMs)) return false
    return (
      (reach.knows(author, nowMs) || strangers.take(source, nowMs)) && passedOn.take(author, nowMs)
    )
  }
}

/** Counts what neighbours are to blame for, and bans them when it is enough. */
interface Faults {
  /** A refused message; @returns whether the neighbour is banned for it. */
  blame(source: string, author: string, nowMs: number): boolean
  /** A message too many: that of a neighbour's own may be the last that is borne. */
  tooMuch(source: string, isOwn: boolean, nowMs: number): Verdict
}

function createFaults(
  { authorsMax: namesMax, rejectsMax, banMs, blames, ...all }: GateOptions,
  bans: Bans,
): Faults {
  const overRate = all.overRate && createQuota({ ...all.overRate, namesMax })
  // One refusal less than a ban takes, all of them back after the time of a ban.
  const fades = { perSecond: (rejectsMax / banMs) * 1000, burst: rejectsMax - 1 }
  const patience = createQuota({ ...fades, namesMax })
  return {
    blame(source, author, nowMs) {
      if (!blames(source, author) || patience.take(source, nowMs)) return false
      bans.add(source, nowMs)
      return true
    },
    tooMuch(source, isOwn, nowMs) {
      const isFault = isOwn && blames(source, source)
      const isFlood = isFault && overRate?.take(source, nowMs) === false
      if (!isFlood) return { verdict: 'ignore', reason: 'over-rate' }
      bans.add(source, nowMs)
      return { verdict: 'ban', kind: 'flood', fault: FLOOD, peer: source }
    },
  }
}

/** Makes a gate that has heard nothing yet. */
export function createGate(options: Partial<GateOptions> = {}): Gate {
  const all: GateOptions = { ...GATE_DEFAULTS, ...options }
  const { release, banMs, blames } = all
  const { isTooMuchFrom, isTooMuchOf, claimsTooMuch } = createRates(all)
  const isForMore = createPassing(all)
  const newest = createNewest(all.authorsMax)
  const bans = createBans({ durationMs: banMs, peersMax: all.bansMax })
  const control = createQuota({ ...all.controlRate, namesMax: all.authorsMax })
  const { blame, tooMuch } = createFaults(all, bans)
  let lane = 0
  let reach = createLaneReach()

  /** Members pass on no presence: what one hands over of somebody else nobody has said here. */
  function isHearsay({ source, author, isPresence }: Arrival): boolean {
    return release !== undefined && isPresence && source !== author && blames(source, author)
  }

  function deliver(arrival: Arrival, message: Message, nowMs: number): Verdict {
    const { author, number } = arrival
    if (message.kind !== 'presence') {
      if (claimsTooMuch(arrival, message, nowMs)) return { verdict: 'ignore', reason: 'over-rate' }
      return { verdict: 'deliver', message, passOn: isForMore(arrival, message, reach, nowMs) }
    }
    if (number !== undefined && !newest.take(author, number, nowMs))
      return { verdict: 'ignore', reason: 'old-news' }
    if (message.release === release && message.lane === lane)
      reach.announced(author, message, nowMs)
    // Members hear one another directly; whom they cannot reach they hear of from a bootstrap node.
    return { verdict: 'deliver', message, passOn: release === undefined }
  }

  function admit(knock: Knock, nowMs: number): Verdict | undefined {
    const { source, author } = knock
    if (bans.has(source, nowMs)) return { verdict: 'ignore', reason: 'banned' }
    const isTooMuch = isTooMuchFrom(knock, reach, nowMs)
    return isTooMuch ? tooMuch(source, source === author, nowMs) : undefined
  }

  const isBanned = ({ source, author }: Arrival, nowMs: number) =>
    bans.has(author, nowMs) || bans.has(source, nowMs)

  function judgeAdmitted(arrival: Arrival, nowMs: number): Verdict {
    const { source, author } = arrival
    if (isBanned(arrival, nowMs)) return { verdict: 'ignore', reason: 'banned' }
    if (isTooMuchOf(arrival, nowMs)) return tooMuch(source, source === author, nowMs)
    const judged = isHearsay(arrival) ? HEARSAY : arrival.content()
    if ('message' in judged) return deliver(arrival, judged.message, nowMs)
    const { kind, fault } = judged
    return blame(source, author, nowMs)
      ? { verdict: 'ban', kind, fault, peer: source }
      : { verdict: 'reject', kind, fault }
  }

  return {
    judge(arrival, nowMs) {
      if (isBanned(arrival, nowMs)) return { verdict: 'ignore', reason: 'banned' }
      const refused = arrival.number === undefined ? undefined : admit(arrival, nowMs)
      return refused ?? judgeAdmitted(arrival, nowMs)
    },
    admit,
    judgeAdmitted,
    heeds: (source, parts, nowMs) => control.take(source, nowMs, parts),
    blame: (source, nowMs) => blame(source, source, nowMs),
    ban: (peer, nowMs) => bans.add(peer, nowMs),
    isBanned: (peer, nowMs) => bans.has(peer, nowMs),
    gone: (peer) => reach.gone(peer),
    enter(entered) {
      lane = entered
      reach = createLaneReach()
    },
  }
}
