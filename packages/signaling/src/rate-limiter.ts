/** How often something may happen: `burst` at once, then `perSecond`. */
export interface RateLimits {
  readonly burst: number
  readonly perSecond: number
  /** Keys remembered; the longest unseen is forgotten first. */
  readonly keysMax: number
}

export interface RateLimiter {
  /** Whether one more is allowed for this key now; counts it if so. */
  allow(key: string, nowMs: number): boolean
  readonly size: number
}

/** One token bucket per key. */
export function createRateLimiter({ burst, perSecond, keysMax }: RateLimits): RateLimiter {
  const buckets = new Map<string, { tokens: number; atMs: number }>()
  return {
    allow(key, nowMs) {
      const known = buckets.get(key)
      const refilled = known && known.tokens + ((nowMs - known.atMs) / 1000) * perSecond
      const tokens = Math.min(burst, refilled ?? burst)
      const allowed = tokens >= 1
      // Deleting first keeps the map in order of last use.
      buckets.delete(key)
      buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, atMs: nowMs })
      const [oldest] = buckets.keys()
      if (buckets.size > keysMax && oldest !== undefined) buckets.delete(oldest)
      return allowed
    },
    get size() {
      return buckets.size
    },
  }
}
