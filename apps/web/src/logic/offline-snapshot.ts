import type { PeerSnapshot } from '@layerswarm/peer'

/** The page's own view of a peer that does not exist yet: the peer's code is fetched on joining. */
export function offlineSnapshot(state: 'offline' | 'joining', reason: string): PeerSnapshot {
  return {
    state,
    reason,
    peerId: undefined,
    backend: undefined,
    backendReason: 'no engine is open',
    engines: [],
    engineRestarts: 0,
    batches: { runs: 0, batches: 0 },
    hold: undefined,
    hidden: false,
    storage: { place: 'memory', persisted: false, problem: undefined },
    rtcConnections: { made: 0, max: 0 },
    reloadAdvice: undefined,
    release: undefined,
    hostedLayers: [],
    coverage: [],
    peers: [],
    served: 0,
    layerMs: 0,
    timeShare: 1,
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
    relay: 'lost',
    uptimeMs: 0,
  }
}
