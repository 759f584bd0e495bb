import type { PolicyName } from '@layerswarm/peer'
import type { EngineChoice } from '../line/engine-option.ts'
import { LOCAL_HOSTING } from '../line/hosting-options.ts'
import type { Asking } from './ask.ts'
import { joinAsRequester } from './join-swarm.ts'
import { type LocalSwarm, startLocalSwarm } from './local-swarm.ts'
import { runSamples, type SampleReport } from './sample-run.ts'
import { fetchSamples } from './swarm-samples.ts'

/** What a demo starts, asks and kills. */
export interface DemoOptions {
  readonly samples: number
  readonly peers: number
  /** Volunteers to kill, spread evenly over the run. */
  readonly kill: number
  /** Samples that are open at the same time. */
  readonly concurrency: number
  readonly models: readonly string[]
  readonly engine: EngineChoice
  /** Who goes on with a step, for all peers. */
  readonly policy: PolicyName
  readonly asking: Asking
  /** Hosts of a layer in the mean. */
  readonly replicas: number
  /** How long the volunteers may take to host all layers, milliseconds. */
  readonly coveredMs: number
  /** How long they may take from then on to host each layer once more than are killed, milliseconds. */
  readonly sparesMs: number
  readonly signal: AbortSignal
  log(line: string): void
  /** What is waited for, and how far it is. */
  doing(text: string): void
  progress(text: string): void
}

/**
 * A swarm of processes on this machine that is asked samples while some of its volunteers are
 * killed. Everything it started is gone when it returns.
 */
export async function runDemo(options: DemoOptions): Promise<SampleReport> {
  const { peers, replicas, models, engine, policy, coveredMs, signal, log, doing, progress } =
    options
  const swarm = await startLocalSwarm({
    hosting: LOCAL_HOSTING,
    swarmKey: undefined,
    certificate: undefined,
    peers,
    replicas,
    models,
    engine,
    policy,
    // All of them are on this machine.
    webrtc: false,
    log,
    doing,
    progress,
  })
  try {
    const missing = await swarm.covered({ hosts: 1, withinMs: coveredMs, signal })
    if (missing !== undefined) log(`not everything is hosted yet: ${missing}`)
    else await awaitSpares(swarm, options)
    log(`${peers} volunteers at ${swarm.url.origin}`)
    return await askSwarm(swarm, options)
  } finally {
    doing('stopping the volunteers')
    await swarm.stop()
  }
}

/** Whoever is going to be killed leaves no layer without a host, if that can be had. */
async function awaitSpares(swarm: LocalSwarm, options: DemoOptions): Promise<void> {
  const { kill, replicas, peers, sparesMs: withinMs, signal, log } = options
  const hosts = Math.min(kill + 1, replicas - 1, peers)
  if (hosts <= 1) return
  const missing = await swarm.covered({ hosts, withinMs, signal })
  if (missing !== undefined) log(`a layer may be lost: ${missing}`)
}

async function askSwarm(swarm: LocalSwarm, options: DemoOptions): Promise<SampleReport> {
  const { samples: count, concurrency, policy, asking, signal, log, doing, progress } = options
  const peer = await joinAsRequester({
    join: [swarm.url],
    swarmKey: undefined,
    dataDir: undefined,
    release: undefined,
    engine: 'auto',
    policy,
    webrtc: false,
    signal,
    log,
    doing,
  })
  try {
    const killer = createKiller(swarm, options)
    const samples = await fetchSamples([swarm.url], peer.manifest.preprocessing)
    const progressed = (finished: number): void => killer.progressed(finished)
    doing('asking the swarm')
    const report = await runSamples(peer, samples, {
      count,
      concurrency,
      asking,
      signal,
      progress,
      progressed,
    })
    return { ...report, killed: killer.killed() }
  } finally {
    await peer.stop()
  }
}

/** Kills volunteers at equal distances of the run, never between two requests. */
function createKiller({ providers }: LocalSwarm, { samples, kill, log }: DemoOptions) {
  let due = 0
  let killed = 0
  function killOne(): void {
    const victim = providers.find((provider) => provider.isAlive() && !gone.has(provider))
    if (victim === undefined) return
    gone.add(victim)
    victim.kill()
    killed++
    log(`killed ${victim.name} (process ${victim.pid})`)
  }
  const gone = new Set<(typeof providers)[number]>()
  return {
    progressed(finished: number): void {
      while (due < kill && finished >= Math.floor(((due + 1) * samples) / (kill + 1))) {
        due++
        // By then the next request is under way.
        setImmediate(killOne)
      }
    },
    killed: () => killed,
  }
}
