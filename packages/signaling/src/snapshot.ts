import { laneReleaseIn } from '@layerswarm/model'
import { countLanes, type LaneCount } from '@layerswarm/swarm'
import type { RequestCount } from './http/request-count.ts'
import { type AnnouncedPeer, type GossipCounts, zeroCounts } from './presence-gate.ts'
import type { RelaySnapshot } from './relay-terms.ts'
import type { Releases } from './releases.ts'

/** Where a server stands in its life; it starts and ends as `stopped`. */
export type SignalingState = 'stopped' | 'starting' | 'ready' | 'stopping'

/** One release on offer and who serves it. */
export interface ReleaseSnapshot {
  readonly id: string
  readonly name: string
  readonly publisher: string
  /** Peers that announced this release, and those in another's lanes that announced layers of it. */
  readonly peers: number
  /** Peers hosting each layer, by layer index: in whosever lanes its peers are, all of them. */
  readonly hosts: readonly number[]
  /** The release in whose lanes its peers are: its own id, or that of an older one with which it mixes. */
  readonly lanesOf: string
  /** Its own lanes in which somebody is, by their numbers. */
  readonly lanes: readonly LaneCount[]
}

/** Everything about the server as one plain object that can be cloned. */
export interface SignalingSnapshot {
  readonly state: SignalingState
  /** Why it is not ready; empty when it is. */
  readonly reason: string
  readonly version: string
  readonly peerId: string
  /** http://host:port, empty before the server listens. */
  readonly url: string
  readonly addresses: readonly string[]
  readonly uptimeMs: number
  readonly releases: readonly ReleaseSnapshot[]
  readonly refusedReleases: number
  readonly peers: {
    readonly announced: number
    readonly byBackend: Readonly<Record<string, number>>
  }
  readonly relay: RelaySnapshot
  /** The other servers of the swarm that the host named. */
  readonly servers: { readonly connected: number; readonly away: number }
  readonly gossip: Readonly<GossipCounts>
  readonly http: readonly RequestCount[]
}

/** Each release on offer with the living hosts of each layer. */
export function countReleases(
  releases: Releases | undefined,
  peers: readonly AnnouncedPeer[],
): ReleaseSnapshot[] {
  const list = releases?.list ?? []
  const byId = new Map(list.map(({ id, manifest }) => [id, manifest]))
  return list.map(({ id, manifest }) => {
    const members = peers.filter(({ presence }) => presence.release === id)
    const own = peers.filter(({ presence }) => (presence.weights ?? presence.release) === id)
    const hosts = new Array<number>(manifest.spec.layers).fill(0)
    const isMixed = manifest.mixes !== undefined
    const home = isMixed ? laneReleaseIn(manifest, (named) => byId.get(named)).id : id
    for (const { presence } of peers) {
      if (presence.release !== home) continue
      for (const layer of new Set(presence.layers)) {
        // A layer that the model does not have is somebody's invention.
        if (layer < hosts.length) hosts[layer] = (hosts[layer] ?? 0) + 1
      }
    }
    const { name, publisher } = manifest
    const lanes = countLanes(
      members.map(({ presence }) => presence),
      hosts.length,
    )
    return { id, name, publisher, peers: own.length, hosts, lanesOf: home, lanes }
  })
}

/** How many peers compute with each engine. */
export function countBackends(peers: readonly AnnouncedPeer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { presence } of peers) {
    counts[presence.backend] = (counts[presence.backend] ?? 0) + 1
  }
  return counts
}

const NO_RELAY: RelaySnapshot = {
  connections: { websocket: 0, tcp: 0 },
  reservations: 0,
  presenceTopics: 0,
  circuits: { granted: 0, refused: 0 },
  traffic: {},
}

/** What a server that does not run looks like. */
export const EMPTY_SNAPSHOT: SignalingSnapshot = Object.freeze({
  state: 'stopped',
  reason: 'not started',
  version: '',
  peerId: '',
  url: '',
  addresses: [],
  uptimeMs: 0,
  releases: [],
  refusedReleases: 0,
  peers: { announced: 0, byBackend: {} },
  relay: NO_RELAY,
  servers: { connected: 0, away: 0 },
  gossip: zeroCounts(),
  http: [],
})
