import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createPeer, PEER_DEFAULTS, type Peer } from '@layerswarm/peer'
import { CliError } from '../cli-error.ts'
import { startLocalSwarm } from '../swarm/local-swarm.ts'
import { pause } from '../until-aborted.ts'
import { type Order, type ProcessReport, parseReport } from './lagged-orders.ts'
import { createLaggedTransport } from './lagged-transport.ts'
import { LAGGED_COVERED_MS_MAX, LAGGED_GOODBYE_MS_MAX, LAGGED_LOOK_INTERVAL_MS } from './limits.ts'

const entry = fileURLToPath(new URL('./lagged-process.js', import.meta.url))

/** Volunteers in processes of their own and an asker in this one, all as far apart as they are told. */
export interface LaggedSwarm {
  readonly asker: Peer
  /** One way between any two of them takes so much longer from now on. */
  setLag(ms: number): Promise<void>
  /** Payload bytes that all of them, the asker included, have sent so far. */
  sentBytes(): Promise<number>
  stop(): Promise<void>
}

/** How many processes, and how many layers each of them hosts. */
export interface LaggedSwarmOptions {
  readonly peers: number
  readonly capacity: number
  readonly signal: AbortSignal
}

/** Starts one with the shipped model. @throws CliError `refused` when it does not come about. */
export async function startLaggedSwarm(options: LaggedSwarmOptions): Promise<LaggedSwarm> {
  const { peers, capacity, signal } = options
  const local = await startLocalSwarm({
    port: 0,
    peers: 0,
    models: [],
    replicas: 1,
    engine: 'ort-node',
    policy: PEER_DEFAULTS.policy,
    log: () => undefined,
  })
  const release = local.signaling.snapshot().releases[0]?.id ?? ''
  const words = [local.url.href, release, String(capacity)]
  const children = Array.from({ length: peers }, () => fork(entry, words, { stdio: 'ignore' }))
  let askerLagMs = 0
  const asker = createPeer({
    join: local.url.href,
    serve: 'none',
    engine: 'ort-node',
    wrapTransport: (transport, clock) => createLaggedTransport(transport, clock, () => askerLagMs),
  })
  const stop = async () => {
    await asker.stop()
    await Promise.all(children.map(endOf))
    await local.stop()
  }
  try {
    await asker.start(signal)
    await untilComplete(asker, options)
  } catch (error) {
    await stop()
    throw error
  }
  const tell = (order: Order) => Promise.all(children.map((child) => ask(child, order)))
  return {
    asker,
    stop,
    async setLag(ms) {
      askerLagMs = ms
      await tell({ lagMs: ms })
    },
    async sentBytes() {
      const reports = await tell({})
      const { gossipOut, tensorsOut } = asker.snapshot().bytes
      return reports.reduce((sum, { sentBytes }) => sum + sentBytes, gossipOut + tensorsOut)
    },
  }
}

/** Everybody hosts as much as it may, and is connected to the asker. */
async function untilComplete(
  asker: Peer,
  { peers, capacity, signal }: LaggedSwarmOptions,
): Promise<void> {
  const endMs = performance.now() + LAGGED_COVERED_MS_MAX
  const ready = () =>
    asker
      .snapshot()
      .peers.filter(
        ({ layers, connection }) => layers.length >= capacity && connection === 'direct',
      ).length
  while (ready() < peers || asker.snapshot().coverage.includes(0)) {
    if (performance.now() > endMs || !(await pause(LAGGED_LOOK_INTERVAL_MS, signal))) {
      signal.throwIfAborted()
      throw new CliError(
        { code: 'refused', what: 'reality' },
        `${ready()} of ${peers} processes were part of the swarm after ${LAGGED_COVERED_MS_MAX / 1_000} s; try again when this machine is less busy`,
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
  throw new CliError({ code: 'refused', what: 'reality' }, 'a process ended while it was measured')
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.disconnect()
  const killer = setTimeout(() => child.kill('SIGKILL'), LAGGED_GOODBYE_MS_MAX)
  await ended
  clearTimeout(killer)
}
