/**
 * Makes something anew at most once in a while, however often it is asked for: all who ask in between are given the
 * same.
 */
export function atMostEvery<T>(ms: number, make: () => T): () => T {
  let latest: { readonly madeMs: number; readonly made: T } | undefined
  return () => {
    const nowMs = performance.now()
    if (latest === undefined || nowMs - latest.madeMs >= ms)
      latest = { madeMs: nowMs, made: make() }
    return latest.made
  }
}
