/** Peers that misbehaved and stay disconnected for a while. */
export interface Bans {
  add(peer: string, nowMs: number): void
  has(peer: string, nowMs: number): boolean
}

export interface BansOptions {
  durationMs: number
  /** Bans kept at most; the oldest makes room. */
  peersMax: number
}

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
