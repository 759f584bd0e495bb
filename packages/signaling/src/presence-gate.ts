import {
  decodeMessage,
  PEERS_MAX,
  PRESENCE_TTL_MS,
  type Presence,
  SwarmError,
} from '@layerswarm/swarm'
import {
  AUTHOR_MESSAGES_BURST,
  AUTHOR_MESSAGES_PER_SECOND,
  BAN_MS,
  BANS_MAX,
  PRESENCE_BYTES_MAX,
  RATE_KEYS_MAX,
  SOURCE_MESSAGES_BURST,
  SOURCE_MESSAGES_PER_SECOND,
  STRIKES_MAX,
} from './limits.ts'
import { createRateLimiter, type RateLimits } from './rate-limiter.ts'

/** What a gossip node does with a message: deliver and forward it, drop it, or drop it as its sender's fault. */
type Verdict = 'accept' | 'ignore' | 'reject'

/** Why a message did not spread. */
type Refusal = 'oversized' | 'malformed' | 'not-presence' | 'author-rate' | 'source-rate'

/** A peer as it last announced itself. */
export interface AnnouncedPeer {
  readonly peer: string
  readonly presence: Presence
  readonly heardAtMs: number
}

/** Messages judged so far, and their bytes. */
export interface GossipCounts {
  accepted: number
  acceptedBytes: number
  readonly refused: Record<Refusal, number>
  refusedBytes: number
}

/**
 * Decides which presence messages spread, and remembers who is there.
 *
 * 1. Only well-formed presence of bounded size is accepted.
 * 2. One author is heard at most AUTHOR_MESSAGES_PER_SECOND on the long run.
 * 3. A peer that sends STRIKES_MAX bad messages of its own is banned for BAN_MS; nobody is
 *    punished for what another wrote.
 * 4. All memory is bounded: PEERS_MAX peers, RATE_KEYS_MAX rates, BANS_MAX bans.
 */
export interface PresenceGate {
  /** @param source the neighbour that sent it. @param author who signed it. */
  judge(source: string, author: string, bytes: Uint8Array, nowMs: number): Verdict
  isBanned(peer: string, nowMs: number): boolean
  /** Forgets the presence of a peer that has left. */
  forget(peer: string): void
  peers(nowMs: number): AnnouncedPeer[]
  readonly counts: Readonly<GossipCounts>
}

export interface PresenceGateOptions {
  readonly author: RateLimits
  readonly source: RateLimits
  /** Called once when a peer is banned. */
  readonly onBan: (peer: string) => void
}

const DEFAULTS: PresenceGateOptions = Object.freeze({
  author: {
    burst: AUTHOR_MESSAGES_BURST,
    perSecond: AUTHOR_MESSAGES_PER_SECOND,
    keysMax: RATE_KEYS_MAX,
  },
  source: {
    burst: SOURCE_MESSAGES_BURST,
    perSecond: SOURCE_MESSAGES_PER_SECOND,
    keysMax: RATE_KEYS_MAX,
  },
  onBan: () => {},
})

export function createPresenceGate(options: Partial<PresenceGateOptions> = {}): PresenceGate {
  const { author: authorLimits, source: sourceLimits, onBan } = { ...DEFAULTS, ...options }
  const authors = createRateLimiter(authorLimits)
  const sources = createRateLimiter(sourceLimits)
  const strikes = new Map<string, { count: number; untilMs: number }>()
  const announced = new Map<string, AnnouncedPeer>()
  const counts = zeroCounts()

  function examine(source: string, author: string, bytes: Uint8Array, nowMs: number) {
    if (!sources.allow(source, nowMs)) return 'source-rate'
    if (!authors.allow(author, nowMs)) return 'author-rate'
    return readPresence(bytes)
  }

  function strike(peer: string, nowMs: number): void {
    const before = strikes.get(peer)
    const count = before !== undefined && before.untilMs > nowMs ? before.count + 1 : 1
    remember(strikes, peer, { count, untilMs: nowMs + BAN_MS }, BANS_MAX)
    if (count === STRIKES_MAX) onBan(peer)
  }

  function note(peer: string, presence: Presence, nowMs: number): void {
    const before = announced.get(peer)
    const fresh = before !== undefined && nowMs - before.heardAtMs < PRESENCE_TTL_MS
    if (fresh && before.presence.sequence > presence.sequence) return
    if (presence.leaving) announced.delete(peer)
    else remember(announced, peer, { peer, presence, heardAtMs: nowMs }, PEERS_MAX)
  }

  return {
    judge(source, author, bytes, nowMs) {
      const found = examine(source, author, bytes, nowMs)
      if (typeof found !== 'string') {
        counts.accepted += 1
        counts.acceptedBytes += bytes.length
        note(author, found, nowMs)
        return 'accept'
      }
      counts.refused[found] += 1
      counts.refusedBytes += bytes.length
      if (found === 'author-rate' || found === 'source-rate') return 'ignore'
      if (source === author) strike(source, nowMs)
      return 'reject'
    },
    isBanned(peer, nowMs) {
      const record = strikes.get(peer)
      return record !== undefined && record.count >= STRIKES_MAX && record.untilMs > nowMs
    },
    forget: (peer) => void announced.delete(peer),
    peers(nowMs) {
      for (const { peer, heardAtMs } of announced.values()) {
        if (nowMs - heardAtMs >= PRESENCE_TTL_MS) announced.delete(peer)
      }
      return [...announced.values()]
    },
    counts,
  }
}

/** Nothing judged yet. */
export function zeroCounts(): GossipCounts {
  return {
    accepted: 0,
    acceptedBytes: 0,
    refused: { oversized: 0, malformed: 0, 'not-presence': 0, 'author-rate': 0, 'source-rate': 0 },
    refusedBytes: 0,
  }
}

function readPresence(bytes: Uint8Array): Presence | Refusal {
  if (bytes.length > PRESENCE_BYTES_MAX) return 'oversized'
  try {
    const message = decodeMessage(bytes)
    return message.kind === 'presence' ? message : 'not-presence'
  } catch (error) {
    if (error instanceof SwarmError) return 'malformed'
    throw error
  }
}

/** Sets an entry as the newest; above `max` entries the oldest goes. */
function remember<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > max && oldest !== undefined) map.delete(oldest)
}
