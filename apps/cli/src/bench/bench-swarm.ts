import { PEER_DEFAULTS, type PolicyName } from '@layerswarm/peer'
import { LOCAL_HOSTING } from '../line/hosting-options.ts'
import { type LocalSwarm, startLocalSwarm } from '../swarm/local-swarm.ts'

/** What benches choose of a swarm. */
export interface BenchSwarmOptions {
  /** Folders of releases; none for the first that comes with the project. */
  readonly models: readonly string[]
  readonly engine: string
  readonly policy?: PolicyName
  /** Volunteers that it starts, and hosts that every layer should have. */
  readonly peers?: number
  readonly replicas?: number
}

/** One for this machine alone, open to all, that says nothing. @throws CliError, SignalingError. */
export function startBenchSwarm(options: BenchSwarmOptions): Promise<LocalSwarm> {
  return startLocalSwarm({
    swarmKey: undefined,
    hosting: LOCAL_HOSTING,
    certificate: undefined,
    webrtc: false,
    log: () => undefined,
    doing: () => undefined,
    progress: () => undefined,
    peers: 0,
    replicas: 1,
    policy: PEER_DEFAULTS.policy,
    ...options,
  })
}
