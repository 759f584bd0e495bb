/**
 * Token buckets, one per name: `perSecond` on average, `burst` at once.
 *
 * 1. A name that was never seen, or was forgotten, has a whole burst.
 * 2. A clock that is set back neither gives tokens nor takes any; they refill from then on.
 * 3. At most `namesMax` buckets are kept.
 */
export interface Quota {
  /** Takes tokens of `name` at time `nowMs`, one unless said otherwise; false, and takes none, when there are too few. */
  take(name: string, nowMs: number, tokens?: number): boolean
}

/** How often something may happen. */
export interface Rate {
  /** Tokens that come back in a second. */
  readonly perSecond: number
  /** Tokens that a name can have at once, and has at first. */
  readonly burst: number
}

/** A rate, and for how many names it is kept. */
export interface QuotaOptions extends Rate {
  /** Buckets kept at most; the longest unused one makes room. */
  readonly namesMax: number
}

/** Makes a quota with all its buckets full. */
export function createQuota({ perSecond, burst, namesMax }: QuotaOptions): Quota {
  // A Map iterates in insertion order; taking re-inserts, so the first entry is the longest unused.
  const buckets = new Map<string, { tokens: number; atMs: number }>()
  return {
    take(name, nowMs, wanted = 1) {
      const bucket = buckets.get(name)
      const tokens = bucket
        ? Math.min(burst, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) / 1000) * perSecond)
        : burst
      const taken = tokens >= wanted
      buckets.delete(name)
      buckets.set(name, { tokens: taken ? tokens - wanted : tokens, atMs: nowMs })
      if (buckets.size > namesMax) buckets.delete(buckets.keys().next().value ?? name)
      return taken
    },
  }
}
