import { mulberry32 } from '@layerswarm/model'
import { DISJOINT_DRAWS_MAX } from './limits.ts'

/**
 * An order of the layers of `orders` that is as disjoint from all of them as it can be: of
 * DISJOINT_DRAWS_MAX random ones the first that shares least with them, as `sharedPlaces` counts.
 * From six layers on one that shares nothing with one or two others is practically always found.
 *
 * @param orders of the same layers, one at least.
 * @param seed the same gives the same order.
 */
export function disjointOrder(orders: readonly (readonly number[])[], seed: number): number[] {
  const random = mulberry32(seed)
  const layers = [...(orders[0] ?? [])]
  let best = layers
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < DISJOINT_DRAWS_MAX && least > 0; i++) {
    const order = shuffled(layers, random)
    const shared = orders.reduce((sum, other) => sum + sharedPlaces(order, other), 0)
    if (shared >= least) continue
    least = shared
    best = order
  }
  return best
}

/** What two orders have in common: layers at the same hop, and layers that follow the same layer. 0 is disjoint. */
export function sharedPlaces(a: readonly number[], b: readonly number[]): number {
  const before = new Map(b.map((layer, hop) => [layer, b[hop - 1]]))
  return a.reduce((sum, layer, hop) => {
    const isSameHop = b[hop] === layer
    const isSamePair = hop > 0 && before.get(layer) === a[hop - 1]
    return sum + (isSameHop ? 1 : 0) + (isSamePair ? 1 : 0)
  }, 0)
}

/** Fisher and Yates. */
function shuffled(layers: readonly number[], random: () => number): number[] {
  const order = [...layers]
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const layer = order[i] as number
    order[i] = order[j] as number
    order[j] = layer
  }
  return order
}
