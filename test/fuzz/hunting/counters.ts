/** What `scripts/coverage-counters.mjs` writes into the sources that are fuzzed: who was where, how often, and how much room was asked for. */
export interface Counters {
  /** Times that each place was reached since `clear`. */
  readonly counts: Uint32Array
  /** Places reached since `clear`, the first `touched` of them. */
  readonly places: Uint32Array
  touched: number
  /** Bytes of arrays that were asked for since `clear`. */
  roomBytes: number
  roomBytesMax: number
  /** Texts and names that stand in the sources. */
  readonly words: readonly string[]
}

/** The counters of this process. @throws Error where nothing is counted. */
export function countersHere(): Counters {
  const found: unknown = Reflect.get(globalThis, 'layerswarmCounters')
  if (typeof found !== 'object' || found === null) throw new Error('nothing is counted here')
  return found as Counters
}

/** Nothing was reached yet. */
export function clear(counters: Counters): void {
  const { counts, places, touched } = counters
  for (let i = 0; i < touched; i++) counts[places[i] as number] = 0
  counters.touched = 0
  counters.roomBytes = 0
}

/** The eight ranges of a count that are told apart, one bit each: 1, 2, 3, 4-7, 8-15, 16-31, 32-127 and more (AFL). */
export function bucketOf(count: number): number {
  if (count < 4) return 1 << (count - 1)
  if (count < 8) return 8
  if (count < 16) return 16
  if (count < 32) return 32
  return count < 128 ? 64 : 128
}
