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
  /** The host where it is, by its place in the list of all. */
  readonly at: number
  readonly open: LayerSet
  readonly ms: number
  readonly first: Host
}

/** The most promising legs of a stage, the best first. Of thousands that are looked at, the others are never made. */
class Beam {
  readonly legs: Leg[] = []
  private readonly promises: number[] = []

  /** Whether a leg that promises to end after so many milliseconds is among them. */
  admits(promiseMs: number): boolean {
    const last = this.promises[TOUR_BEAM - 1]
    return last === undefined || promiseMs < last
  }

  /** Takes in what it admits; among equals, who came first stays ahead. */
  put(promiseMs: number, leg: Leg): void {
    const { legs, promises } = this
    let at = promises.length
    while (at > 0 && (promises[at - 1] as number) > promiseMs) at--
    promises.splice(at, 0, promiseMs)
    legs.splice(at, 0, leg)
    if (legs.length <= TOUR_BEAM) return
    promises.pop()
    legs.pop()
  }
}

/**
 * The first stop of the quickest way over hosts of all open layers and back to the requester that a beam
 * search finds: own distances for the first leg, announced ones after it.
 * @param able who may be the first stop; each of them is one of the choice's hosts.
 */
export function firstStop(choice: Choice, able: readonly Host[]): Host | undefined {
  return bestTour(choice, able).first
}

/** What that way should take, milliseconds; Infinity where nobody can begin. */
export function tourMs(choice: Choice, able: readonly Host[]): number {
  return bestTour(choice, able).ms
}

function bestTour(choice: Choice, able: readonly Host[]): { first: Host | undefined; ms: number } {
  const { hosts, self, visitLayers } = choice
  const ways = new WayTable(choice)
  const placeOf = new Map(hosts.map((host, at) => [host, at]))
  const most = (host: Host) => Math.min(visitLayers, host.layersMost)
  const layersAt = (host: Host, open: LayerSet) =>
    Math.min(most(host), countCommon(host.layers, open))
  /** What a stay at a host takes. @param weight what its work counts: 1 at the first stop. */
  const stayMs = (host: Host, layers: number, weight: number) => {
    const workMs = (host.pending + layers) * host.layerMs + host.extraMs
    return host.transferMs + VISIT_OVERHEAD_MS + weight * workMs
  }
  const started = able.map((host): Leg => {
    const ms = choice.wayMs(self, host.peer) + stayMs(host, layersAt(host, choice.open), 1)
    const open = without(choice.open, host.layers, most(host))
    return { at: placeOf.get(host) as number, open, ms, first: host }
  })
  const layerMs = usualLayerMs(started, choice.open)
  let bestMs = Number.POSITIVE_INFINITY
  let best: Host | undefined
  let weight = 1

  /** The tour ends here. */
  function end({ at, ms, first }: Leg, extraMs: number): void {
    const allMs = ms + ways.backMs(at) + extraMs
    if (allMs >= bestMs) return
    bestMs = allMs
    best = first
  }

  /** Every way to go on from a leg. */
  function goOn(leg: Leg, further: Beam): void {
    const openCount = size(leg.open)
    let isOver = true
    for (let at = 0; at < hosts.length; at++) {
      const host = hosts[at] as Host
      if (at === leg.at || !meet(host.layers, leg.open)) continue
      isOver = false
      const layers = layersAt(host, leg.open)
      const ms = leg.ms + ways.ms(leg.at, at) + stayMs(host, layers, weight)
      const promiseMs = ms + layerMs * (openCount - layers)
      if (!further.admits(promiseMs)) continue
      const open = without(leg.open, host.layers, most(host))
      further.put(promiseMs, { at, open, ms, first: leg.first })
    }
    // Layers that nobody hosts are not applied: the answer comes without them, and late.
    if (isOver) end(leg, UNSERVED_LAYER_MS * openCount)
  }

  let stage = new Beam()
  for (const leg of started) {
    const promiseMs = leg.ms + layerMs * size(leg.open)
    if (stage.admits(promiseMs)) stage.put(promiseMs, leg)
  }
  while (stage.legs.length > 0) {
    weight *= LATER_WEIGHT
    const further = new Beam()
    for (const leg of stage.legs) if (leg.ms < bestMs) goOn(leg, further)
    stage = further
  }
  return { first: best, ms: bestMs }
}

/**
 * What an open layer is taken to cost while tours are compared that are not finished: what the better first
 * stops take for each of theirs, their way and transfer included. Too little favours short stays.
 */
function usualLayerMs(first: readonly Leg[], open: LayerSet): number {
  const rates = first.map((leg) => leg.ms / (size(open) - size(leg.open))).sort((a, b) => a - b)
  return Math.max(OPEN_LAYER_MS_MIN, rates[rates.length >> 2] ?? 0)
}

/** Ways between the hosts of a choice: the same ones are asked for again and again within one search. */
class WayTable {
  private readonly choice: Choice
  /** Of two hosts in the row of the one that stands first in the list; milliseconds, NaN until it is asked for. */
  private readonly rows: (Float64Array | undefined)[]
  private readonly back: Float64Array

  constructor(choice: Choice) {
    this.choice = choice
    this.rows = new Array(choice.hosts.length)
    this.back = unknown(choice.hosts.length)
  }

  /** One way between two hosts. */
  ms(from: number, to: number): number {
    const first = Math.min(from, to)
    this.rows[first] ??= unknown(this.choice.hosts.length)
    return this.remembered(this.rows[first], Math.max(from, to), from, this.peer(to))
  }

  /** One way from a host back to the requester. */
  backMs(from: number): number {
    return this.remembered(this.back, from, from, this.choice.requester)
  }

  private remembered(row: Float64Array, at: number, from: number, to: PeerId): number {
    const known = row[at] as number
    if (!Number.isNaN(known)) return known
    const ms = this.choice.wayMs(this.peer(from), to)
    row[at] = ms
    return ms
  }

  private peer(at: number): PeerId {
    return (this.choice.hosts[at] as Host).peer
  }
}

function unknown(length: number): Float64Array {
  return new Float64Array(length).fill(Number.NaN)
}
