import { whyEngine } from './compute/engine-trial.ts'
import { PEER_CONNECTIONS_MAX, PEER_CONNECTIONS_RELOAD } from './limits.ts'
import { describeConnections } from './node/peer-connections.ts'
import type { RelayState } from './node/reach.ts'
import type { Session } from './session.ts'
import type { PeerSnapshot } from './snapshot.ts'

/** A peer that is part of a swarm. */
export function sessionSnapshot(session: Session, uptimeMs: number): PeerSnapshot {
  const { node, member, compute, release, transport, tensors, layers, store, keeper, holds } =
    session
  const { laneRelease } = session
  const made = session.peerConnectionsMade()
  const seen = member.snapshot()
  const connections = describeConnections(node)
  return {
    state: seen.paused ? 'paused' : 'serving',
    reason: holds.current?.reason ?? reasonOf(keeper.state, seen.reason),
    peerId: seen.self,
    backend: compute.backend,
    backendReason: whyEngine(compute.backend, compute.supervisor.trials),
    engines: compute.supervisor.trials,
    engineRestarts: compute.supervisor.restarts,
    batches: { ...compute.batches },
    layerFiles: session.layerFiles,
    hold: holds.current,
    hidden: session.life.hidden,
    storage: store.storage,
    rtcConnections: { made, max: PEER_CONNECTIONS_MAX },
    reloadAdvice: reloadAdvice(made),
    release: { id: release.id, name: release.name },
    laneRelease: { id: laneRelease.id, name: laneRelease.manifest.name },
    lane: seen.lane,
    hostedLayers: seen.hosted,
    coverage: seen.coverage,
    peers: seen.peers.map(({ peer, layers: hosted, weights, backend, layerMs }) => {
      const { reach, via } = connections.get(peer) ?? { reach: 'none', via: 'none' }
      const of = { release: weights ?? laneRelease.id, layers: hosted }
      return { id: peer, ...of, backend, layerMs, connection: reach, transport: via }
    }),
    served: seen.served,
    layerMs: seen.layerMs,
    timeShare: seen.timeShare,
    requestsInFlight: seen.requestsInFlight,
    connections: [...connections.values()].filter(({ reach }) => reach === 'direct').length,
    bytes: {
      gossipIn: transport.bytes.gossipIn,
      gossipOut: transport.bytes.gossipOut,
      tensorsIn: tensors.bytes.in,
      tensorsOut: tensors.bytes.out,
      tensorsOverRelay: tensors.bytes.overRelay + transport.bytes.toldOverRelay,
      layersFromPeers: store.bytesFrom.peers,
      layersFromHttp: store.bytesFrom.http,
      layersToPeers: layers.bytes.out,
    },
    refused: transport.refusals,
    relay: keeper.state,
    servers: keeper.all,
    uptimeMs,
  }
}

function reloadAdvice(made: number): string | undefined {
  return made < PEER_CONNECTIONS_RELOAD
    ? undefined
    : `this page has made ${made} of the about ${PEER_CONNECTIONS_MAX} connections that a browser allows; reload it to go on`
}

function reasonOf(relay: RelayState, reason: string): string {
  return relay === 'lost' ? `the server is lost, reconnecting; ${reason}` : reason
}
