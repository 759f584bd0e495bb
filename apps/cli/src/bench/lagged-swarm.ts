import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { EngineName } from '@layerswarm/model'
import { createPeer, type Peer, type PolicyName } from '@layerswarm/peer'
import type { Signaling } from '@layerswarm/signaling'
import { CliError } from '../cli-error.ts'
import { pause } from '../until-aborted.ts'
import { startBenchSwarm } from './bench-swarm.ts'
import { type Order, type ProcessReport, parseReport } from './lagged-orders.ts'
import { createLaggedTransport } from './lagged-transport.ts'
import { LAGGED_COVERED_MS_MAX, LAGGED_GOODBYE_MS_MAX, LAGGED_LOOK_INTERVAL_MS } from './limits.ts'

const entry = fileURLToPath(new URL('./lagged-process.js', import.meta.url))

/** Volunteers in processes of their own and an asker in this one, all as far apart as they are told. */
export interface LaggedSwarm {
  readonly asker: Peer
  readonly signaling: Signaling
  /** One way between any two of them takes so much longer from now on. */
  setLag(ms: number): Promise<void>
  /** Payload bytes that all of them, the asker included, have sent so far. */
  sentBytes(): Promise<number>
  /** Layers that each volunteer hosts at this moment. */
  hosted(): Promise<ProcessReport['hosted']>
  /** Ends one process and its volunteers without a word. */
  kill(): Promise<void>
  stop(): Promise<void>
}

/** Who is in it, and by which policy. */
export interface LaggedSwarmOptions {
  readonly processes: number
  /** Volunteers in each of them. */
  readonly peersEach: number
  /** Layers that each volunteer hosts. */
  readonly capacity: number
  readonly policy: PolicyName
  readonly engine: EngineName
  /** Hosts to whom the asker must be connected before it begins. */
  readonly met: number
  readonly signal: AbortSignal
}

/** Starts one with the shipped model. @throws CliError `refused` when it does not come about. */
export async function startLaggedSwarm(options: LaggedSwarmOptions): Promise<LaggedSwarm> {
  const { processes, peersEach, capacity, policy, engine, signal } = options
  const local = await startBenchSwarm({ models: [], engine, policy })
  const release = local.signaling.snapshot().releases[0]?.id ?? ''
  const words = [local.url.href, release, String(capacity), String(peersEach), policy, engine]
  const children = Array.from({ length: processes }, () => fork(entry, words, { stdio: 'ignore' }))
  const alive = () => children.filter((child) => !hasEnded(child))
  let askerLagMs = 0
  const asker = createPeer({
    join: local.url.href,
    serve: 'none',
    engine,
    webrtc: false,
    policy,
    wrapTransport: (transport, clock) => createLaggedTransport(transport, clock, () => askerLagMs),
  })
  const stop = async () => {
    await asker.stop()
    await Promise.all(children.map(endOf))
    await local.stop()
  }
  const tell = (order: Order) => Promise.all(alive().map((child) => ask(child, order)))
  try {
    await asker.start(signal)
    await untilComplete(asker, tell, options)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    asker,
    signaling: local.signaling,
    stop,
    async kill() {
      const [victim] = alive()
      if (victim === undefined) return
      const ended = once(victim, 'exit')
      victim.kill('SIGKILL')
      await ended
    },
    async setLag(ms) {
      askerLagMs = ms
      await tell({ lagMs: ms })
    },
    hosted: () => hostedBy(tell),
    async sentBytes() {
      const reports = await tell({})
      const { gossipOut, tensorsOut } = asker.snapshot().bytes
      return reports.reduce((sum, { sentBytes }) => sum + sentBytes, gossipOut + tensorsOut)
    },
  }
}

type Tell = (order: Order) => Promise<ProcessReport[]>

/** Layers of each volunteer of all processes. */
async function hostedBy(tell: Tell): Promise<ProcessReport['hosted']> {
  return (await tell({})).flatMap(({ hosted }) => hosted)
}

/** Everybody hosts as much as it may, and the asker has met its neighbours. */
async function untilComplete(
  asker: Peer,
  tell: Tell,
  { processes, peersEach, capacity, met, signal }: LaggedSwarmOptions,
): Promise<void> {
  const endMs = performance.now() + LAGGED_COVERED_MS_MAX
  const wanted = processes * peersEach
  for (;;) {
    const complete = (await hostedBy(tell)).filter((layers) => layers.length >= capacity).length
    const { peers, coverage } = asker.snapshot()
    const near = peers.filter(
      ({ layers, connection }) => layers.length >= capacity && connection === 'direct',
    ).length
    if (complete >= wanted && near >= met && !coverage.includes(0)) return
    if (performance.now() > endMs || !(await pause(LAGGED_LOOK_INTERVAL_MS, signal))) {
      signal.throwIfAborted()
      throw new CliError(
        { code: 'refused', what: 'a lagged swarm' },
        `${complete} of ${wanted} volunteers host their layers and ${near} of ${met} are connected to the asker after ${LAGGED_COVERED_MS_MAX / 1_000} s; try again when this machine is less busy`,
      )
    }
  }
}

async function ask(child: ChildProcess, order: Order): Promise<ProcessReport> {
  const over = new AbortController()
  const { signal } = over
  const answered = Promise.race([
    once(child, 'message', { signal }),
    once(child, 'exit', { signal }),
  ]).finally(() => over.abort())
  if (child.connected) child.send(order)
  const report = parseReport((await answered)[0])
  if (report !== undefined) return report
  throw new CliError(
    { code: 'refused', what: 'a lagged swarm' },
    'a process ended while it was measured',
  )
}

async function endOf(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  child.disconnect()
  const killer = setTimeout(() => child.kill('SIGKILL'), LAGGED_GOODBYE_MS_MAX)
  await ended
  clearTimeout(killer)
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}
