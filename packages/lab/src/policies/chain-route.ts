import type { PeerId } from '@layerswarm/swarm'
import type { LabNetwork } from '../network/gossip.ts'
import type { LabStation } from '../network/lane.ts'

/** Who serves what, as a client of a chain knows it. */
export interface Server {
  readonly peer: PeerId
  readonly layers: readonly number[]
  readonly layerMs: number
}

/** One stop of a route. */
export interface Stop {
  readonly layer: number
  readonly server: Server
}

/** What a client plans with. */
export interface RouteNeeds {
  readonly network: LabNetwork
  readonly asker: LabStation
  readonly servers: readonly Server[]
  /** Bytes of one activation. */
  readonly bytes: number
}

/** Milliseconds from one peer to the next and through its layer; Infinity when there is no way. */
export function legMs(needs: RouteNeeds, from: PeerId, to: Server): number {
  return wayMs(needs, from, to.peer) + to.layerMs
}

function wayMs({ network, bytes }: RouteNeeds, from: PeerId, to: PeerId): number {
  if (from === to) return 0
  const a = network.known.get(from)
  const b = network.known.get(to)
  if (a === undefined || b === undefined) return Number.POSITIVE_INFINITY
  return network.paths.relayedMs(a, b) + bytes / a.session.up
}

/** A server that a partial route ends at. */
interface Reached {
  readonly ms: number
  readonly stop: Stop
  readonly before: Reached | undefined
}

/**
 * The chain over `layers`, in this order, with the shortest expected time there and back: the
 * routing of Petals' latency mode, with measured ways between all servers given for free.
 * Undefined when some layer has no server.
 */
export function shortestChain(
  needs: RouteNeeds,
  from: PeerId,
  layers: readonly number[],
): Stop[] | undefined {
  let reached: Reached[] | undefined
  for (const layer of layers) {
    const able = needs.servers.filter((server) => server.layers.includes(layer))
    reached = able.flatMap((server) => {
      const one = nearest(needs, from, reached, { layer, server })
      return one.ms < Number.POSITIVE_INFINITY ? [one] : []
    })
    if (reached.length === 0) return undefined
  }
  let last: Reached | undefined
  let lastMs = Number.POSITIVE_INFINITY
  for (const one of reached ?? []) {
    const ms = one.ms + wayMs(needs, one.stop.server.peer, needs.asker.peer)
    if (ms >= lastMs) continue
    last = one
    lastMs = ms
  }
  if (last === undefined) return undefined
  const stops: Stop[] = []
  for (let one: Reached | undefined = last; one !== undefined; one = one.before)
    stops.unshift(one.stop)
  return stops
}

/** The quickest way to a stop: from the client, or from one of the stops before. */
function nearest(
  needs: RouteNeeds,
  from: PeerId,
  reached: readonly Reached[] | undefined,
  stop: Stop,
): Reached {
  let best: Reached = { ms: Number.POSITIVE_INFINITY, stop, before: undefined }
  if (reached === undefined) return { ...best, ms: legMs(needs, from, stop.server) }
  for (const before of reached) {
    const ms = before.ms + legMs(needs, before.stop.server.peer, stop.server)
    if (ms < best.ms) best = { ms, stop, before }
  }
  return best
}
