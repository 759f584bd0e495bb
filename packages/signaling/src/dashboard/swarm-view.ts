import { PROTOCOL_VERSION } from '@layerswarm/swarm'
import { SHOWN_PEERS_MAX } from '../limits.ts'
import type { AnnouncedPeer } from '../presence-gate.ts'
import type { ReleaseSnapshot, SignalingSnapshot } from '../snapshot.ts'
import type { Moment } from './history.ts'

/** One peer as it announces itself. */
export interface ShownPeer {
  readonly id: string
  readonly lane: number
  /** The release whose layers it has: that of the lane, or one that mixes with it. */
  readonly release: string
  readonly layers: readonly number[]
  readonly backend: string
  readonly layerMs: number
}

/** One release and who serves it: whoever is in the lanes that its peers are in, as a request of theirs meets them. */
export interface ShownRelease extends Omit<ReleaseSnapshot, 'peers'> {
  /** Peers that have layers of this very release. */
  readonly own: number
  readonly providers: number
  readonly askers: number
  /** SHOWN_PEERS_MAX at most, in the order of their ids; none of a private swarm. */
  readonly peers: readonly ShownPeer[]
}

/** The content of /swarm.json: the swarm as its server sees it, for whoever has not joined. */
export interface SwarmView {
  readonly protocol: number
  readonly version: string
  readonly uptimeMs: number
  /** Only who has its key is told who is there. */
  readonly isPrivate: boolean
  readonly releases: readonly ShownRelease[]
  /** Peers by what they compute with. */
  readonly byBackend: Readonly<Record<string, number>>
  /** What does not go well, in one line each. */
  readonly trouble: readonly string[]
  /** The last day, the oldest first. */
  readonly history: readonly Moment[]
}

/** @param peers everybody who announced itself. */
export function swarmView(
  snapshot: SignalingSnapshot,
  peers: readonly AnnouncedPeer[],
  history: readonly Moment[],
  isPrivate: boolean,
): SwarmView {
  const { version, uptimeMs } = snapshot
  return {
    protocol: PROTOCOL_VERSION,
    version,
    uptimeMs,
    isPrivate,
    releases: snapshot.releases.map(({ peers: own, ...release }) => {
      const home = snapshot.releases.find(({ id }) => id === release.lanesOf)
      const lanes = home?.lanes ?? release.lanes
      return {
        ...{ ...release, own, lanes },
        providers: sum(lanes.map(({ providers }) => providers)),
        askers: sum(lanes.map(({ askers }) => askers)),
        peers: isPrivate ? [] : shown(peers, release.lanesOf),
      }
    }),
    byBackend: snapshot.peers.byBackend,
    trouble: troubleOf(snapshot),
    history,
  }
}

function shown(peers: readonly AnnouncedPeer[], lanesOf: string): ShownPeer[] {
  return peers
    .filter(({ presence }) => presence.release === lanesOf)
    .map(({ peer, presence: { weights, lane, layers, backend, layerMs } }) => {
      return { id: peer, lane, release: weights ?? lanesOf, layers, backend, layerMs }
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .slice(0, SHOWN_PEERS_MAX)
}

function troubleOf({ reason, releases, refusedReleases, servers }: SignalingSnapshot): string[] {
  const lines = reason === '' ? [] : [reason]
  lines.push(...releases.flatMap(releaseTrouble))
  if (refusedReleases > 0) lines.push(`${refusedReleases} model folders failed their check`)
  if (servers.away > 0) lines.push(`${servers.away} other servers of the swarm are away`)
  return lines
}

function releaseTrouble({ id, name, hosts, lanesOf, lanes }: ReleaseSnapshot): string[] {
  // Of the release whose lanes these are it is said.
  if (lanesOf !== id) return []
  const hostedBy = (wanted: number) =>
    hosts.flatMap((count, layer) => (count === wanted ? [layer] : []))
  const [lacking, single] = [hostedBy(0), hostedBy(1)]
  if (lacking.length === hosts.length) return [`${name}: nobody hosts a layer`]
  return [
    ...(lacking.length > 0 ? [`${name}: nobody hosts ${layersText(lacking)}`] : []),
    ...(single.length > 0 ? [`${name}: one peer alone hosts ${layersText(single)}`] : []),
    // Of a single lane that is said already.
    ...lanes
      .filter((lane) => lanes.length > 1 && lane.lacking > 0)
      .map(({ lane, lacking }) => `${name}: lane ${lane} lacks ${lacking} layers`),
  ]
}

function layersText(layers: readonly number[]): string {
  return `${layers.length === 1 ? 'layer' : 'layers'} ${layers.join(', ')}`
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
