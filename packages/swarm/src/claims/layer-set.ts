import { LAYER_WORD_BITS } from './limits.ts'

/** A set of up to LAYERS_MAX layers in two words, for searches that make thousands of them. */
export interface LayerSet {
  /** Layers 0 to 31, one bit each. */
  readonly low: number
  /** Layers 32 to 63. */
  readonly high: number
}

/** The set of these layers. */
export function layerSet(layers: Iterable<number>): LayerSet {
  let low = 0
  let high = 0
  for (const layer of layers)
    if (layer < LAYER_WORD_BITS) low |= 1 << layer
    else high |= 1 << (layer - LAYER_WORD_BITS)
  return { low, high }
}

/** The set of the layers whose flag is set. */
export function openSet(open: readonly boolean[]): LayerSet {
  return layerSet(open.flatMap((isOpen, layer) => (isOpen ? [layer] : [])))
}

/** Whether it has this layer. */
export function has({ low, high }: LayerSet, layer: number): boolean {
  const word = layer < LAYER_WORD_BITS ? low >> layer : high >> (layer - LAYER_WORD_BITS)
  return (word & 1) === 1
}

/** How many layers both have. */
export function countCommon(a: LayerSet, b: LayerSet): number {
  return ones(a.low & b.low) + ones(a.high & b.high)
}

/** Whether they have a layer in common. */
export function meet(a: LayerSet, b: LayerSet): boolean {
  return ((a.low & b.low) | (a.high & b.high)) !== 0
}

/** How many layers it has. */
export function size({ low, high }: LayerSet): number {
  return ones(low) + ones(high)
}

/** `from` without `most` at most of the layers that `taken` has. */
export function without(from: LayerSet, taken: LayerSet, most: number): LayerSet {
  let low = from.low & taken.low
  let high = from.high & taken.high
  for (let surplus = ones(low) + ones(high) - most; surplus > 0; surplus--)
    if (low !== 0) low &= low - 1
    else high &= high - 1
  return { low: from.low & ~low, high: from.high & ~high }
}

function ones(word: number): number {
  let count = 0
  for (let rest = word; rest !== 0; rest &= rest - 1) count++
  return count
}
