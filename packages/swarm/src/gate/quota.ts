import { Recent } from './recent.ts'

/**
 * Token buckets, one per name: `perSecond` on average, `burst` at once.
 *
 * 1. A name that was never seen, or was forgotten, has a whole burst.
 * 2. A clock that is set back neither gives tokens nor takes any; they refill from then on.
 * 3. At most `namesMax` buckets are kept, and the half of them that were used last always.
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
  /** Buckets kept at most; those that were not used for longest make room. */
  readonly namesMax: number
}

/** Makes a quota with all its buckets full. */
export function createQuota({ perSecond, burst, namesMax }: QuotaOptions): Quota {
  const buckets = new Recent<{ tokens: number; atMs: number }>(namesMax)
  return {
    take(name, nowMs, wanted = 1) {
      const bucket = buckets.get(name)
      if (bucket === undefined) {
        const taken = burst >= wanted
        buckets.set(name, { tokens: taken ? burst - wanted : burst, atMs: nowMs })
        return taken
      }
      const refilled = (Math.max(0, nowMs - bucket.atMs) / 1000) * perSecond
      const tokens = Math.min(burst, bucket.tokens + refilled)
      const taken = tokens >= wanted
      bucket.tokens = taken ? tokens - wanted : tokens
      bucket.atMs = nowMs
      return taken
    },
  }
}
