/**
 * The mulberry32 generator of Tommy Ettinger: 32 bits of state, the same sequence everywhere for
 * one seed. Good enough to place events and to fill tensors of tests; nothing secret may come of it.
 *
 * @param seed its lowest 32 bits count.
 * @returns the next number at each call, uniform in [0, 1), 32 random bits.
 */
export function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
