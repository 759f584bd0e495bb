import type { EngineName } from '@layerswarm/model'
import type { EngineTrial } from './compute/engine-trial.ts'
import type { Hold } from './holds.ts'
import { PEER_CONNECTIONS_MAX } from './limits.ts'
import type { Carrier, Reach, RelayState } from './node/reach.ts'
import type { ServerSnapshot } from './servers/server-state.ts'
import type { LayerFilesChoice } from './store/layer-file-choice.ts'
import type { StorageState } from './store/layer-store.ts'

/**
 * What a peer is in the middle of: not in a swarm, on its way into one, working for one, or in one
 * without taking work because its owner paused it.
 */
export type PeerState = 'offline' | 'joining' | 'serving' | 'paused'

/** One peer as plain data: for the page, the metrics, the CLI and reports. */
export interface PeerSnapshot {
  readonly state: PeerState
  /** What it is doing, or why nothing happens; for people. */
  readonly reason: string
  readonly peerId: string | undefined
  readonly backend: EngineName | undefined
  /** Why this engine serves and no other; one line. */
  readonly backendReason: string
  /** Every engine that this device was considered for: its milliseconds per layer, or why it is refused. */
  readonly engines: readonly EngineTrial[]
  /** Compute workers that hung, crashed or lost their device. */
  readonly engineRestarts: number
  /** Layer runs, and the batches in which the engine ran them. */
  readonly batches: { readonly runs: number; readonly batches: number }
  /** Which files of its layers are loaded, and why; undefined before it has joined. */
  readonly layerFiles: LayerFilesChoice | undefined
  /** Why it takes no work although it is in the swarm; undefined while it does. */
  readonly hold: Hold | undefined
  /** Nobody looks at the page: browsers let its timers run late. */
  readonly hidden: boolean
  /** Where layer files are kept. */
  readonly storage: StorageState
  /** Connections that the page has made since it was loaded, and how many the browser allows. */
  readonly rtcConnections: { readonly made: number; readonly max: number }
  /** Why the page should be reloaded; undefined when it need not. */
  readonly reloadAdvice: string | undefined
  readonly release: { readonly id: string; readonly name: string } | undefined
  /** The release whose lanes it is in: its own, or an older one with which that mixes. */
  readonly laneRelease: { readonly id: string; readonly name: string } | undefined
  /** The lane of the release that it is in. */
  readonly lane: number | undefined
  readonly hostedLayers: readonly number[]
  /** Living hosts of each layer, this peer included. */
  readonly coverage: readonly number[]
  readonly peers: readonly {
    readonly id: string
    /** Hash of the manifest of the release that its layers are of. */
    readonly release: string
    readonly layers: readonly number[]
    readonly backend: EngineName
    readonly layerMs: number
    /** `direct`: work is exchanged with it. `relayed`: the two are being introduced. */
    readonly connection: Reach
    readonly transport: Carrier
  }[]
  /** Layer runs done for the swarm. */
  readonly served: number
  readonly layerMs: number
  /** Part of the time that layer runs may take. */
  readonly timeShare: number
  readonly requestsInFlight: number
  /** Direct connections, those to bootstrap nodes included. */
  readonly connections: number
  readonly bytes: {
    /** Of messages, those told to one peer included. */
    readonly gossipIn: number
    readonly gossipOut: number
    /** Asked for or pushed. */
    readonly tensorsIn: number
    readonly tensorsOut: number
    /** Part of all these, told messages included, that crossed a relay: none may. */
    readonly tensorsOverRelay: number
    readonly layersFromPeers: number
    readonly layersFromHttp: number
    readonly layersToPeers: number
  }
  /** Messages that were refused, and why the last one was: a peer of another protocol version shows here. */
  readonly refused: { readonly count: number; readonly last: string | undefined }
  /** The best that is held at any of the servers. */
  readonly relay: RelayState
  /** The servers of the swarm that are known, and what is held at each. */
  readonly servers: readonly ServerSnapshot[]
  readonly uptimeMs: number
}

const NOTHING: Omit<PeerSnapshot, 'state' | 'reason'> = Object.freeze({
  peerId: undefined,
  backend: undefined,
  backendReason: 'no engine is open',
  engines: [],
  engineRestarts: 0,
  batches: { runs: 0, batches: 0 },
  layerFiles: undefined,
  hold: undefined,
  hidden: false,
  storage: { place: 'memory' as const, persisted: false, problem: undefined },
  rtcConnections: { made: 0, max: PEER_CONNECTIONS_MAX },
  reloadAdvice: undefined,
  release: undefined,
  laneRelease: undefined,
  lane: undefined,
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
  refused: { count: 0, last: undefined },
  relay: 'lost' as const,
  servers: [],
  uptimeMs: 0,
})

/** A peer that is not part of a swarm. */
export function idleSnapshot(state: 'offline' | 'joining', reason: string): PeerSnapshot {
  return { state, reason, ...NOTHING }
}
