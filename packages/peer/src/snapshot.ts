import type { EngineName } from '@layerswarm/model'
import { type Carrier, describeConnections, type Reach } from './net/peer-connections.ts'
import type { RelayState } from './net/relay-keeper.ts'
import type { Session } from './session.ts'

export type PeerState = 'offline' | 'joining' | 'serving' | 'paused'

/** One peer as plain data: for the page, the metrics, the CLI and reports. */
export interface PeerSnapshot {
  readonly state: PeerState
  /** What it is doing, or why nothing happens; for people. */
  readonly reason: string
  readonly peerId: string | undefined
  readonly backend: EngineName | undefined
  readonly release: { readonly id: string; readonly name: string } | undefined
  readonly hostedLayers: readonly number[]
  /** Living hosts of each layer, this peer included. */
  readonly coverage: readonly number[]
  readonly peers: readonly {
    readonly id: string
    readonly layers: readonly number[]
    readonly backend: EngineName
    readonly layerMs: number
    readonly connection: Reach
    readonly transport: Carrier
  }[]
  /** Layer runs done for the swarm. */
  readonly served: number
  readonly layerMs: number
  readonly requestsInFlight: number
  /** Direct connections, those to bootstrap nodes included. */
  readonly connections: number
  readonly bytes: {
    readonly gossipIn: number
    readonly gossipOut: number
    readonly tensorsIn: number
    readonly tensorsOut: number
    /** Part of the above that crossed a relay: none may. */
    readonly tensorsOverRelay: number
    readonly layersFromPeers: number
    readonly layersFromHttp: number
    readonly layersToPeers: number
  }
  readonly relay: RelayState
  readonly uptimeMs: number
}

const NOTHING = Object.freeze({
  peerId: undefined,
  backend: undefined,
  release: undefined,
  hostedLayers: [],
  coverage: [],
  peers: [],
  served: 0,
  layerMs: 0,
  requestsInFlight: 0,
  connections: 0,
  bytes: {
    gossipIn: 0,
    gossipOut: 0,
    tensorsIn: 0,
    tensorsOut: 0,
    tensorsOverRelay: 0,
    layersFromPeers: 0,
    layersFromHttp: 0,
    layersToPeers: 0,
  },
  relay: 'lost' as const,
  uptimeMs: 0,
})

/** A peer that is not part of a swarm. */
export function idleSnapshot(state: 'offline' | 'joining', reason: string): PeerSnapshot {
  return { state, reason, ...NOTHING }
}

/** A peer that is part of a swarm. */
export function sessionSnapshot(session: Session, uptimeMs: number): PeerSnapshot {
  const { node, member, compute, release, transport, tensors, layers, store, keeper } = session
  const seen = member.snapshot()
  const connections = describeConnections(node)
  return {
    state: seen.paused ? 'paused' : 'serving',
    reason: reasonOf(keeper.state, seen.reason),
    peerId: seen.self,
    backend: compute.backend,
    release: { id: release.id, name: release.name },
    hostedLayers: seen.hosted,
    coverage: seen.coverage,
    peers: seen.peers.map(({ peer, layers: hosted, backend, layerMs }) => {
      const { reach, via } = connections.get(peer) ?? { reach: 'none', via: 'none' }
      return { id: peer, layers: hosted, backend, layerMs, connection: reach, transport: via }
    }),
    served: seen.served,
    layerMs: seen.layerMs,
    requestsInFlight: seen.requestsInFlight,
    connections: [...connections.values()].filter(({ reach }) => reach === 'direct').length,
    bytes: {
      ...transport.bytes,
      tensorsIn: tensors.bytes.in,
      tensorsOut: tensors.bytes.out,
      tensorsOverRelay: tensors.bytes.overRelay,
      layersFromPeers: store.bytesFrom.peers,
      layersFromHttp: store.bytesFrom.http,
      layersToPeers: layers.bytes.out,
    },
    relay: keeper.state,
    uptimeMs,
  }
}

function reasonOf(relay: RelayState, reason: string): string {
  return relay === 'lost' ? `the bootstrap node is lost, reconnecting; ${reason}` : reason
}
