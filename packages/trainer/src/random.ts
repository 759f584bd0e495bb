/** The whole state of a stream: four unsigned 32-bit numbers. */
export type RandomState = readonly [number, number, number, number]

/** A seeded stream of random numbers whose state can be saved and restored. */
export interface RandomStream {
  /** Uniform in [0, 1), 32 random bits. */
  next(): number
  /** Uniform among 0 … bound − 1. */
  below(bound: number): number
  /** Standard normal. */
  gaussian(): number
  /** A uniformly drawn permutation of 0 … size − 1 (Fisher-Yates). */
  permutation(size: number): Uint32Array
  /** Where the stream stands: `restore` of it repeats all that comes after. */
  state(): RandomState
  restore(state: RandomState): void
}

/** Enough steps to mix the seed through the state, as PractRand's author recommends. */
const WARM_UP_STEPS = 16

/**
 * sfc32 of Chris Doty-Humphrey's PractRand. Streams of one seed with different labels are
 * independent, so that drawing more of one does not change another.
 */
export function createRandom(seed: number, label: string): RandomStream {
  let a = seed >>> 0
  let b = Math.floor(seed / 2 ** 32) >>> 0
  let c = 0
  let counter = 1
  for (let i = 0; i < label.length; i++) c = (Math.imul(c, 31) + label.charCodeAt(i)) >>> 0

  function bits(): number {
    const sum = (a + b + counter) >>> 0
    counter = (counter + 1) >>> 0
    a = (b ^ (b >>> 9)) >>> 0
    b = (c + (c << 3)) >>> 0
    c = (((c << 21) | (c >>> 11)) + sum) >>> 0
    return sum
  }
  for (let i = 0; i < WARM_UP_STEPS; i++) bits()

  const next = (): number => bits() / 2 ** 32
  const below = (bound: number): number => Math.floor(next() * bound)
  return {
    next,
    below,
    gaussian() {
      // Box-Muller; 1 − next() is never zero.
      const radius = Math.sqrt(-2 * Math.log(1 - next()))
      return radius * Math.cos(2 * Math.PI * next())
    },
    permutation(size) {
      const items = Uint32Array.from({ length: size }, (_, index) => index)
      for (let i = size - 1; i > 0; i--) {
        const j = below(i + 1)
        const moved = items[i] as number
        items[i] = items[j] as number
        items[j] = moved
      }
      return items
    },
    state: () => [a, b, c, counter],
    restore(state) {
      ;[a, b, c, counter] = state
    },
  }
}
