import { draw } from '../draw.ts'
import type { PeerId } from '../wire/messages.ts'
import { ACTORS_PER_ROUND } from './limits.ts'

/**
 * Which layers to host, from who hosts what. `coverage[l]` counts the other living hosts of layer l,
 * slow ones as parts of a host.
 */

/** The rarest layers, at most `capacity`; equals are told apart by a draw that differs from peer to peer. */
export function rarestLayers(
  coverage: readonly number[],
  capacity: number,
  self: PeerId,
): number[] {
  return coverage
    .map((hosts, layer) => ({ layer, hosts, order: draw(self, layer) }))
    .sort((a, b) => a.hosts - b.hosts || a.order - b.order)
    .slice(0, capacity)
    .map(({ layer }) => layer)
    .sort((a, b) => a - b)
}

/** A change of one layer: what to host, and what to give up for it if there is no room. */
export interface Swap {
  readonly host: number
  readonly drop: number | undefined
}

/**
 * The best single change, or undefined when nothing is worth it: an uncovered layer is worth any layer that somebody
 * else hosts too, and one with a single host, who may leave, any layer that two others host. Otherwise it must stay
 * the rarer of the two after the swap, for others may act at the same time.
 * @param round changes from call to call, so that the same few peers do not act every time.
 */
export function rebalance(
  coverage: readonly number[],
  hosted: ReadonlySet<number>,
  capacity: number,
  self: PeerId,
  peers: number,
  round: number,
): Swap | undefined {
  const wanted = rarestOutside(coverage, hosted, self)
  if (wanted === undefined) return undefined
  const drop = hosted.size < capacity ? undefined : mostCommon(coverage, hosted)
  if (hosted.size >= capacity && drop === undefined) return undefined
  const left = drop === undefined ? Number.POSITIVE_INFINITY : (coverage[drop] as number)
  if (!isWorth(left, coverage[wanted] as number)) return undefined
  const mayAct = draw(self, wanted, round) % Math.max(1, peers + 1) < ACTORS_PER_ROUND
  return mayAct ? { host: wanted, drop } : undefined
}

/** Whether a layer that `left` others host may be given up for one that `wanted` host. */
function isWorth(left: number, wanted: number): boolean {
  if (wanted === 0) return left > 0
  if (wanted <= 1) return left >= 2
  return left - wanted >= 2
}

function rarestOutside(
  coverage: readonly number[],
  hosted: ReadonlySet<number>,
  self: PeerId,
): number | undefined {
  const [rarest] = rarestLayers(
    coverage.map((hosts, layer) => (hosted.has(layer) ? Number.POSITIVE_INFINITY : hosts)),
    1,
    self,
  )
  return rarest === undefined || hosted.has(rarest) ? undefined : rarest
}

/** The hosted layer that most others host too. */
function mostCommon(coverage: readonly number[], hosted: ReadonlySet<number>): number | undefined {
  let best: number | undefined
  for (const layer of hosted)
    if (best === undefined || (coverage[layer] as number) > (coverage[best] as number)) best = layer
  return best
}
