import type { PeerId } from '../wire/messages.ts'
import { countCommon, type LayerSet, meet, size, without } from './layer-set.ts'
import {
  LATER_WEIGHT,
  OPEN_LAYER_MS_MIN,
  TOUR_BEAM,
  UNSERVED_LAYER_MS,
  VISIT_OVERHEAD_MS,
} from './limits.ts'
import type { Choice, Host } from './policy.ts'

/** A tour that is not finished: where it is, what is still open, and how long it took. */
interface Leg {
  readonly at: Host
  readonly open: LayerSet
  readonly ms: number
  /** What work counts here, 1 at the first stop. */
  readonly weight: number
  readonly first: Host
}

/**
 * The first stop of the quickest way over hosts of all open layers and back to the requester that a beam
 * search finds: own distances for the first leg, announced ones after it.
 * @param able who may be the first stop.
 */
export function firstStop(choice: Choice, able: readonly Host[]): Host | undefined {
  const { hosts, requester, self, visitLayers } = choice
  const wayMs = remembered(choice)
  const stay = (host: Host, open: LayerSet) => {
    const most = Math.min(visitLayers, host.layersMost)
    const layers = Math.min(most, countCommon(host.layers, open))
    return {
      open: without(open, host.layers, most),
      workMs: (host.pending + layers) * host.layerMs + host.extraMs,
      ms: host.transferMs + VISIT_OVERHEAD_MS,
    }
  }
  let best: { readonly ms: number; readonly first: Host } | undefined
  const end = (leg: Leg, extraMs: number) => {
    const ms = leg.ms + wayMs(leg.at.peer, requester) + extraMs
    if (best === undefined || ms < best.ms) best = { ms, first: leg.first }
  }
  /** Every way to go on from a leg that does not end here. */
  const onwards = (leg: Leg): Leg[] => {
    if (best !== undefined && leg.ms >= best.ms) return []
    const next = hosts.filter((host) => host !== leg.at && meet(host.layers, leg.open))
    // Layers that nobody hosts are not applied: the answer comes without them, and late.
    if (next.length === 0) end(leg, UNSERVED_LAYER_MS * size(leg.open))
    return next.map((host) => {
      const { open, workMs, ms } = stay(host, leg.open)
      const weight = leg.weight * LATER_WEIGHT
      return {
        at: host,
        open,
        ms: leg.ms + wayMs(leg.at.peer, host.peer) + ms + weight * workMs,
        weight,
        first: leg.first,
      }
    })
  }
  let legs: Leg[] = able.map((host) => {
    const { open, workMs, ms } = stay(host, choice.open)
    return { at: host, open, ms: wayMs(self, host.peer) + ms + workMs, weight: 1, first: host }
  })
  const layerMs = usualLayerMs(legs, choice.open)
  while (legs.length > 0) legs = narrowed(legs, layerMs).flatMap(onwards)
  return best?.first
}

/**
 * What an open layer is taken to cost while tours are compared that are not finished: what the better first
 * stops take for each of theirs, their way and transfer included. Too little favours short stays.
 */
function usualLayerMs(first: readonly Leg[], open: LayerSet): number {
  const rates = first.map((leg) => leg.ms / (size(open) - size(leg.open))).sort((a, b) => a - b)
  return Math.max(OPEN_LAYER_MS_MIN, rates[rates.length >> 2] ?? 0)
}

/** The most promising legs. */
function narrowed(legs: Leg[], layerMs: number): Leg[] {
  const promise = ({ ms, open }: Leg) => ms + layerMs * size(open)
  return legs.sort((a, b) => promise(a) - promise(b)).slice(0, TOUR_BEAM)
}

/** The same ways are asked for again and again within one search. */
function remembered(choice: Choice): (from: PeerId, to: PeerId) => number {
  const known = new Map<string, number>()
  return (from, to) => {
    const key = from < to ? `${from} ${to}` : `${to} ${from}`
    let ms = known.get(key)
    if (ms === undefined) {
      ms = choice.wayMs(from, to)
      known.set(key, ms)
    }
    return ms
  }
}
