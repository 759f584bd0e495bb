/**
 * Numbers from 0 to 2^32 − 1 that every peer computes alike from the same parts. They break ties
 * and spread choices; they are not a secret and protect nothing.
 */

/** Continues a draw with one more part: FNV-1a over UTF-16 units, then the finaliser of MurmurHash3. */
export function drawOn(seed: number, part: string): number {
  let hash = seed ^ 0x811c9dc5
  for (let i = 0; i < part.length; i++) hash = Math.imul(hash ^ part.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** One draw out of two: as good as `drawOn` with a part whose own draw is kept, and much cheaper. */
export function drawMixed(seed: number, mark: number): number {
  let hash = Math.imul(seed ^ mark ^ (seed >>> 15), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13) ^ mark, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** A draw over all parts, in their order. */
export function draw(...parts: readonly (string | number)[]): number {
  return parts.reduce<number>((seed, part) => drawOn(seed, String(part)), 0)
}

/** The item with the lowest draw; undefined for none. */
export function pick<T extends string | number>(
  items: readonly T[],
  ...salt: readonly (string | number)[]
): T | undefined {
  const seed = draw(...salt)
  let best: T | undefined
  let lowest = Number.POSITIVE_INFINITY
  for (const item of items) {
    const value = drawOn(seed, String(item))
    if (value < lowest) {
      lowest = value
      best = item
    }
  }
  return best
}
