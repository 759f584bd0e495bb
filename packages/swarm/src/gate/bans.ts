/** Peers that misbehaved and are neither heard nor connected to for a while. */
export interface Bans {
  /** Bans a peer from now on; one that is banned already, for the whole time once more. */
  add(peer: string, nowMs: number): void
  /** Whether a peer is banned now. */
  has(peer: string, nowMs: number): boolean
}

/** How long bans hold, and how many. */
export interface BansOptions {
  readonly durationMs: number
  /** Bans kept at most; the oldest makes room. */
  readonly peersMax: number
}

/** Makes a list of bans with nobody on it. */
export function createBans({ durationMs, peersMax }: BansOptions): Bans {
  const untilMs = new Map<string, number>()
  return {
    add(peer, nowMs) {
      untilMs.delete(peer)
      untilMs.set(peer, nowMs + durationMs)
      if (untilMs.size > peersMax) untilMs.delete(untilMs.keys().next().value ?? peer)
    },
    has(peer, nowMs) {
      const until = untilMs.get(peer)
      if (until === undefined) return false
      if (nowMs < until) return true
      untilMs.delete(peer)
      return false
    },
  }
}
