import {
  createGate,
  createQuota,
  GATE_DEFAULTS,
  judgeMessage,
  type ModelShape,
  PEERS_MAX,
  type PeerId,
  PRESENCE_TTL_MS,
  type Presence,
  type Rate,
  type Verdict,
} from '@layerswarm/swarm'
import {
  AUTHOR_MESSAGES_BURST,
  AUTHOR_MESSAGES_PER_SECOND,
  BAN_MS,
  BANS_MAX,
  CONTROLS_PER_ADDRESS,
  PRESENCE_BYTES_MAX,
  RATE_KEYS_MAX,
  SOURCE_MESSAGES_BURST,
  SOURCE_MESSAGES_PER_SECOND,
  SOURCES_PER_ADDRESS,
  STRIKES_MAX,
} from './limits.ts'

/** What gossip does with a message: deliver and forward it, drop it, or drop it as its sender's fault. */
export type PresenceVerdict = 'accept' | 'ignore' | 'reject'

/** Why a message did not spread. */
type Refusal =
  | 'oversized'
  | 'malformed'
  | 'not-presence'
  | 'not-allowed'
  | 'author-rate'
  | 'source-rate'
  | 'banned'
  | 'old-news'
  | 'hearsay'

/** A peer as it last announced itself. */
export interface AnnouncedPeer {
  readonly peer: string
  readonly presence: Presence
  /** In the gate's time, milliseconds. */
  readonly heardAtMs: number
}

/** Messages judged so far, and their bytes. */
export interface GossipCounts {
  accepted: number
  acceptedBytes: number
  readonly refused: Record<Refusal, number>
  refusedBytes: number
}

/** Whom something comes from. */
export interface Whence {
  /** The neighbour that sent it. */
  readonly source: string
  /** The neighbour is another server of the swarm, named by this one's host. */
  readonly isServer: boolean
  /** Where that is connected from; undefined for this machine, where a proxy may stand for everybody. */
  readonly network: string | undefined
}

/** What is known of a message before its signature is checked. */
export interface PresenceKnock extends Whence {
  /** Who it says has signed it. */
  readonly author: string
  /** How long it is. */
  readonly bytes: number
}

/** A signed message of a topic. */
export interface PresenceArrival extends Whence {
  readonly topic: string
  /** Who signed it. */
  readonly author: string
  /** Gossip's number of it, which grows with every message of its author. */
  readonly number: bigint
  readonly bytes: Uint8Array
}

/**
 * The gate of the swarm (packages/swarm, gate/gate.ts) at the door of a server that is in no lane,
 * and the table of who is there.
 *
 * 1. Only presence of at most PRESENCE_BYTES_MAX in the topic of its lane is accepted, and each author's newest only.
 * 2. One author is heard at most AUTHOR_MESSAGES_PER_SECOND on the long run, and one neighbour
 *    SOURCE_MESSAGES_PER_SECOND, whoever's messages it forwards; all neighbours behind one address together
 *    SOURCES_PER_ADDRESS times that. So is gossip's control, with CONTROLS_PER_ADDRESS.
 * 3. A peer that sends STRIKES_MAX bad messages of its own is banned for BAN_MS; nobody is
 *    punished for what another wrote.
 * 4. What can be counted before a signature is checked is counted before.
 * 5. A neighbour's presence is its own: only servers hand over that of others, so whoever makes up peers needs a
 *    connection for each. It is not punished: it may be a server whose host alone has named the two.
 * 6. All memory is bounded: PEERS_MAX peers, RATE_KEYS_MAX rates, BANS_MAX bans.
 */
export interface PresenceGate {
  /** All at once: `admits`, then `judgeAdmitted`. */
  judge(arrival: PresenceArrival, nowMs: number): PresenceVerdict
  /** Whether a message is worth checking its signature; that of its author is only claimed. */
  admits(knock: PresenceKnock, nowMs: number): boolean
  /** Judges a message that was admitted, and whose signature is its author's. */
  judgeAdmitted(arrival: PresenceArrival, nowMs: number): PresenceVerdict
  /** Whether a neighbour may say so many parts of gossip's control more; so may servers, whatever they say. */
  heeds(whence: Whence, parts: number, nowMs: number): boolean
  /** A neighbour sent what no honest one sends, as a message that nobody has signed. */
  blame(neighbour: string, nowMs: number): void
  isBanned(peer: string, nowMs: number): boolean
  /** Forgets the presence of a peer that has left. */
  forget(peer: string): void
  /** Everybody who was heard within PRESENCE_TTL_MS. */
  peers(nowMs: number): AnnouncedPeer[]
  readonly counts: Readonly<GossipCounts>
}

/** What a server may set. */
export interface PresenceGateOptions {
  readonly author: Rate
  readonly source: Rate
  /** Authors, and neighbours, whose rate is remembered. */
  readonly namesMax: number
  /** Called once when a peer is banned. */
  readonly onBan: (peer: string) => void
}

const DEFAULTS: PresenceGateOptions = Object.freeze({
  author: { burst: AUTHOR_MESSAGES_BURST, perSecond: AUTHOR_MESSAGES_PER_SECOND },
  source: { burst: SOURCE_MESSAGES_BURST, perSecond: SOURCE_MESSAGES_PER_SECOND },
  namesMax: RATE_KEYS_MAX,
  onBan: () => {},
})

/** Of no release: a step, which alone is judged by a shape, is in the wrong topic here anyway. */
const NO_SHAPE: ModelShape = Object.freeze({ layers: 0, tokens: 0, width: 0 })

/** Whether so much may come from a neighbour, and, so many times that, from all that share its address. */
function createSources({ burst, perSecond }: Rate, perAddress: number, namesMax: number) {
  const sources = createQuota({ burst, perSecond, namesMax })
  const networks = createQuota({
    burst: burst * perAddress,
    perSecond: perSecond * perAddress,
    namesMax,
  })
  return ({ source, network }: Whence, nowMs: number, amount = 1): boolean => {
    if (!sources.take(source, nowMs, amount)) return false
    return network === undefined || networks.take(network, nowMs, amount)
  }
}

/** Makes a gate that has heard nothing yet. */
export function createPresenceGate(options: Partial<PresenceGateOptions> = {}): PresenceGate {
  const { author: presenceRate, source, namesMax, onBan } = { ...DEFAULTS, ...options }
  const mayCome = createSources(source, SOURCES_PER_ADDRESS, namesMax)
  const mayControl = createSources(GATE_DEFAULTS.controlRate, CONTROLS_PER_ADDRESS, namesMax)
  const gate = createGate({
    presenceRate,
    // What is over a rate is dropped and costs no more than that: its neighbours have rates of their own.
    overRate: undefined,
    authorsMax: namesMax,
    rejectsMax: STRIKES_MAX,
    banMs: BAN_MS,
    bansMax: BANS_MAX,
    blames: (neighbour, author) => neighbour === author,
  })
  const announced = new Map<string, AnnouncedPeer>()
  const counts = zeroCounts()

  function refuse(why: Refusal, bytes: number): void {
    counts.refused[why] += 1
    counts.refusedBytes += bytes
  }

  function accept({ author, bytes }: PresenceArrival, presence: Presence, nowMs: number): 'accept' {
    counts.accepted += 1
    counts.acceptedBytes += bytes.length
    if (presence.leaving) announced.delete(author)
    else remember(announced, author, { peer: author, presence, heardAtMs: nowMs }, PEERS_MAX)
    return 'accept'
  }

  function judgeContent({ author, bytes, topic }: PresenceArrival) {
    return judgeMessage(bytes, topic, author as PeerId, NO_SHAPE, PRESENCE_BYTES_MAX)
  }

  function admits(knock: PresenceKnock, nowMs: number): boolean {
    if (!mayCome(knock, nowMs)) {
      refuse('source-rate', knock.bytes)
      return false
    }
    if (knock.author !== knock.source && !knock.isServer) {
      refuse('hearsay', knock.bytes)
      return false
    }
    const verdict = gate.admit({ ...knock, isPresence: true }, nowMs)
    if (verdict !== undefined) refuse(refusalOf(verdict), knock.bytes)
    return verdict === undefined
  }

  function judgeAdmitted(arrival: PresenceArrival, nowMs: number): PresenceVerdict {
    const verdict = gate.judgeAdmitted(
      {
        ...arrival,
        author: arrival.author as PeerId,
        isPresence: true,
        content: () => judgeContent(arrival),
      },
      nowMs,
    )
    if (verdict.verdict === 'deliver' && verdict.message.kind === 'presence') {
      return accept(arrival, verdict.message, nowMs)
    }
    refuse(refusalOf(verdict), arrival.bytes.length)
    if (verdict.verdict === 'ban') onBan(verdict.peer)
    return verdict.verdict === 'ignore' ? 'ignore' : 'reject'
  }

  return {
    judge(arrival, nowMs) {
      const { source, isServer, network, author, bytes } = arrival
      const knock = { source, isServer, network, author, bytes: bytes.length }
      return admits(knock, nowMs) ? judgeAdmitted(arrival, nowMs) : 'ignore'
    },
    admits,
    judgeAdmitted,
    heeds: (whence, parts, nowMs) => whence.isServer || mayControl(whence, nowMs, parts),
    blame(neighbour, nowMs) {
      if (gate.blame(neighbour, nowMs)) onBan(neighbour)
    },
    isBanned: gate.isBanned,
    forget: (peer) => void announced.delete(peer),
    peers: (nowMs) => heardLately(announced, nowMs),
    counts,
  }
}

/** Forgets who has not been heard for PRESENCE_TTL_MS. @returns the others. */
function heardLately(announced: Map<string, AnnouncedPeer>, nowMs: number): AnnouncedPeer[] {
  for (const { peer, heardAtMs } of announced.values())
    if (nowMs - heardAtMs >= PRESENCE_TTL_MS) announced.delete(peer)
  return [...announced.values()]
}

function refusalOf(verdict: Verdict): Refusal {
  switch (verdict.verdict) {
    case 'ignore':
      return verdict.reason === 'over-rate' ? 'author-rate' : verdict.reason
    case 'reject':
    case 'ban':
      if (verdict.kind === 'flood') return 'author-rate'
      return verdict.kind === 'wrong-topic' ? 'not-presence' : verdict.kind
    case 'deliver':
      // Steps and the like stand in topics that this server never follows.
      return 'not-presence'
    default:
      return verdict satisfies never
  }
}

/** Nothing judged yet. */
export function zeroCounts(): GossipCounts {
  return {
    accepted: 0,
    acceptedBytes: 0,
    refused: {
      oversized: 0,
      malformed: 0,
      'not-presence': 0,
      'not-allowed': 0,
      'author-rate': 0,
      'source-rate': 0,
      banned: 0,
      'old-news': 0,
      hearsay: 0,
    },
    refusedBytes: 0,
  }
}

/** Sets an entry as the newest; above `max` entries the oldest goes. */
function remember<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > max && oldest !== undefined) map.delete(oldest)
}
