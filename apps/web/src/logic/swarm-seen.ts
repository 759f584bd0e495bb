import type { PeerSnapshot } from '@layerswarm/peer'
import { SWARM_SEEN_MS } from '../limits.ts'

/** A swarm as its server sees it, for whoever is not in it. */
export interface SwarmSeen {
  /** Living hosts of each layer. */
  readonly coverage: readonly number[]
  /** Peers that host a layer; more than are named, where the swarm is large or private. */
  readonly providers: number
  readonly peers: readonly {
    readonly id: string
    readonly layers: readonly number[]
    readonly backend: string
  }[]
}

/** What of a peer the picture shows. */
export interface SeenPeer {
  readonly id: string
  readonly layers: readonly number[]
  readonly backend: string
  readonly connection: PeerSnapshot['peers'][number]['connection']
}

/** What the page shows of a swarm, whoever has told it. */
export interface ShownSwarm {
  readonly peers: readonly SeenPeer[]
  readonly coverage: readonly number[]
}

/** This tab has no part in the swarm, or none yet. */
export function isOutside({ state }: Pick<PeerSnapshot, 'state'>): boolean {
  return state === 'offline' || state === 'joining'
}

/** What this tab knows itself, once it is in the swarm and has met somebody; what the server says until then. */
export function shownSwarm(snapshot: PeerSnapshot, seen: SwarmSeen | undefined): ShownSwarm {
  const { state, peers, coverage, uptimeMs } = snapshot
  const isIn = state === 'serving' || state === 'paused'
  const isNew = isIn && peers.length === 0 && uptimeMs < SWARM_SEEN_MS
  if (seen === undefined || (isIn && !isNew)) return { peers, coverage }
  return {
    peers: seen.peers
      .filter(({ id }) => id !== snapshot.peerId)
      .map((peer) => ({ ...peer, connection: 'none' as const })),
    // The server may not have heard of this tab's own layers yet.
    coverage: seen.coverage.map((hosts, layer) => Math.max(hosts, coverage[layer] ?? 0)),
  }
}

/** The swarm in one sentence, for whoever thinks of joining. */
export function swarmLine(seen: SwarmSeen | undefined): string | undefined {
  if (seen === undefined) return undefined
  const { providers, coverage } = seen
  if (providers === 0)
    return 'Nobody is in this swarm yet: join, and open this page in another tab.'
  const covered = coverage.filter((hosts) => hosts > 0).length
  const peers = providers === 1 ? '1 peer is' : `${providers} peers are`
  const layers =
    covered === coverage.length ? `all ${coverage.length}` : `${covered} of ${coverage.length}`
  return `${peers} in this swarm now and ${providers === 1 ? 'hosts' : 'host'} ${layers} layers.`
}
