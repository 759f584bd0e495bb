/** Token buckets, one per name: `perSecond` on average, `burst` at once. */
export interface Quota {
  /** Takes one token of `name` at time `nowMs`; false when there is none. */
  take(name: string, nowMs: number): boolean
}

export interface QuotaOptions {
  perSecond: number
  burst: number
  /** Buckets kept at most; the longest unused one makes room. */
  namesMax: number
}

export function createQuota({ perSecond, burst, namesMax }: QuotaOptions): Quota {
  // A Map iterates in insertion order; taking re-inserts, so the first entry is the longest unused.
  const buckets = new Map<string, { tokens: number; atMs: number }>()
  return {
    take(name, nowMs) {
      const bucket = buckets.get(name)
      const tokens = bucket
        ? Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond)
        : burst
      const taken = tokens >= 1
      buckets.delete(name)
      buckets.set(name, { tokens: taken ? tokens - 1 : tokens, atMs: nowMs })
      if (buckets.size > namesMax) buckets.delete(buckets.keys().next().value ?? name)
      return taken
    },
  }
}
