import type { PeerOptions, PolicyName } from '@layerswarm/peer'
import {
  type Certificate,
  formatLog,
  type Ready,
  type Signaling,
  type SignalingSnapshot,
} from '@layerswarm/signaling'
import type { SwarmKey } from '@layerswarm/swarm'
import { COVERAGE_LOOK_INTERVAL_MS } from '../limits.ts'
import type { Hosting } from '../line/hosting-options.ts'
import { createLog, LOG_USUAL } from '../line/log-options.ts'
import { pause } from '../until-aborted.ts'
import { type ProviderProcess, startProvider } from './provider-process.ts'
import { prepareSignaling } from './serve-signaling.ts'

/** What a swarm on this machine consists of. */
export interface LocalSwarmOptions {
  readonly hosting: Hosting
  /** Of a private swarm; undefined for one that is open to all. */
  readonly swarmKey: SwarmKey | undefined
  /** Speaks TLS with this; undefined for plain http. */
  readonly certificate: Certificate | undefined
  readonly peers: number
  /** Releases to serve; none for the first that comes with the project. */
  readonly models: readonly string[]
  /** Hosts that every layer should have. */
  readonly replicas: number
  readonly engine: string
  /** Which files of their layers the volunteers load; `auto` unless given. */
  readonly layerFiles?: PeerOptions['layerFiles']
  /** Who goes on with a step, for all volunteers. */
  readonly policy: PolicyName
  /** Whether the volunteers speak WebRTC, for tabs on https pages and peers elsewhere. */
  readonly webrtc: boolean
  log(line: string): void
  /** What is waited for. */
  doing(text: string): void
  /** How many layers have a host by now, in words. */
  progress(text: string): void
}

/** What is waited for. */
export interface Coverage {
  /** Hosts of every layer. */
  readonly hosts: number
  readonly withinMs: number
  readonly signal: AbortSignal
  /** How many layers have them by now, in words; to the swarm's `progress` unless given. */
  tell?(hosted: string): void
}

/** A signaling server in this process and volunteers in processes of their own. */
export interface LocalSwarm {
  /** For processes of this machine. */
  readonly url: URL
  readonly ready: Ready
  readonly signaling: Signaling
  readonly providers: readonly ProviderProcess[]
  /**
   * Waits until every layer of every release has so many hosts.
   * @returns what is still missing after `withinMs`, in words; undefined when nothing is.
   */
  covered(coverage: Coverage): Promise<string | undefined>
  /** Ends the volunteers, then the server. */
  stop(): Promise<void>
}

/** @throws CliError, or SignalingError when a port is taken or a release is refused. */
export async function startLocalSwarm(options: LocalSwarmOptions): Promise<LocalSwarm> {
  const { hosting, swarmKey, certificate, models, log } = options
  const signaling = await prepareSignaling({
    hosting,
    swarmKey,
    certificate,
    // The volunteers need not be told to trust a certificate.
    inner: true,
    models,
    dataDir: undefined,
    log: createLog({ flags: LOG_USUAL, describe: formatLog, write: log, now: Date.now }),
  })
  const ready = await signaling.start()
  const url = new URL(ready.innerUrl)
  const { releases } = signaling.snapshot()
  const { peers } = options
  options.doing(`starting ${peers} ${peers === 1 ? 'volunteer' : 'volunteers'}`)
  const providers = Array.from({ length: peers }, (_, index) => {
    const { id, hosts } = releases[index % releases.length] ?? { id: '', hosts: [] }
    const share = Math.ceil(peers / releases.length)
    const capacity = Math.min(hosts.length, Math.ceil((options.replicas * hosts.length) / share))
    const name = `volunteer ${index + 1}`
    const { engine, layerFiles = 'auto', policy, webrtc } = options
    const { host } = hosting
    return startProvider(
      {
        ...{ name, join: url, swarmKey, release: id, layers: capacity, engine, layerFiles },
        ...{ policy, host, webrtc, log },
      },
      log,
    )
  })
  return {
    url,
    ready,
    signaling,
    providers,
    async covered({ hosts, withinMs, signal, tell = options.progress }) {
      const endMs = Date.now() + withinMs
      const look = () => {
        const snapshot = signaling.snapshot()
        tell(hostedLayers(snapshot, hosts))
        return missingLayers(snapshot, hosts)
      }
      let missing = look()
      while (
        missing !== undefined &&
        Date.now() < endMs &&
        (await pause(COVERAGE_LOOK_INTERVAL_MS, signal))
      ) {
        missing = look()
      }
      return missing
    },
    async stop() {
      await Promise.all(providers.map((provider) => provider.stop()))
      await signaling.stop()
    },
  }
}

function hostedLayers({ releases }: SignalingSnapshot, wanted: number): string {
  const layers = releases.flatMap(({ hosts }) => hosts)
  const hosted = layers.filter((hosts) => hosts >= wanted).length
  const what = wanted === 1 ? 'a host' : `${wanted} hosts`
  return `${hosted} of ${layers.length} layers have ${what}`
}

function missingLayers({ releases }: SignalingSnapshot, wanted: number): string | undefined {
  const gaps = releases.flatMap(({ name, hosts }) => {
    const layers = [...hosts.keys()].filter((layer) => (hosts[layer] ?? 0) < wanted)
    if (layers.length === 0) return []
    return [
      `${name}: ${wanted === 1 ? 'nobody hosts' : `fewer than ${wanted} host`} layers ${layers.join(', ')}`,
    ]
  })
  return gaps.length === 0 ? undefined : gaps.join('; ')
}
