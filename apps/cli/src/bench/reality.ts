import { type PolicyReport, simulate } from '@layerswarm/lab'
import { randomTensor, tokensOf } from '@layerswarm/model'
import type { Peer, PolicyName } from '@layerswarm/peer'
import { POLICY_USUAL } from '../line/policy-option.ts'
import { pause } from '../until-aborted.ts'
import { type Bench, type BenchOptions, type BenchRow, median, row } from './bench.ts'
import { type LaggedSwarm, startLaggedSwarm } from './lagged-swarm.ts'
import {
  REALITY_DEADLINE_MS,
  REALITY_LAYERS_EACH,
  REALITY_ONE_WAY_MS,
  REALITY_PEERS,
  REALITY_REST_MS,
  REALITY_RUN_REQUESTS,
  REALITY_RUNS,
  REALITY_SILENCE_MS,
  REALITY_WARM_UP_REQUESTS,
} from './limits.ts'

/** One image rides in the message, sixteen of them are pulled from their holder. */
const CASES = [
  { name: 'inline', images: 1 },
  { name: 'pulled', images: 16 },
]
/**
 * The simulator beside the real thing: eight volunteers in processes of their own, every way between
 * them made longer at the transport port, and the same swarm in virtual time. The simulator is told
 * what was measured without that delay, the time in a layer and the handling of one message, and
 * the delay; nothing is taken from the requests that are compared. Then the same eight with plain gossip.
 */
export const reality: Bench = {
  name: 'reality',
  compares: `${REALITY_PEERS} peers ${REALITY_ONE_WAY_MS} ms apart: simulated beside processes, and those beside plain gossip`,
  rounds: 30,
  async run(options) {
    const { signal, log } = options
    const measured = new Map<PolicyName, Measured[]>()
    for (const policy of [POLICY_USUAL, 'gossip'] as const) {
      log(`${policy}: starting ${REALITY_PEERS} processes`)
      const swarm = await startLaggedSwarm({
        processes: REALITY_PEERS,
        peersEach: 1,
        capacity: REALITY_LAYERS_EACH,
        policy,
        // Of a peer as it is installed, and the one that the lab knows: its results are the same bytes everywhere.
        engine: 'ort-wasm',
        met: REALITY_PEERS,
        signal,
      })
      try {
        const all: Measured[] = []
        for (const { images } of CASES) all.push(await measure(swarm, images, options))
        measured.set(policy, all)
      } finally {
        await swarm.stop()
      }
    }
    return CASES.flatMap(({ name }, i) => {
      const ours = measured.get(POLICY_USUAL)?.[i]
      const gossip = measured.get('gossip')?.[i]
      return ours === undefined || gossip === undefined ? [] : rowsOf(name, ours, gossip)
    })
  },
}

/** Medians over real requests, and what the same swarm would have measured without the distance. */
interface Measured {
  readonly real: Medians
  readonly size: Size
  readonly told: Told
}

/** Medians over requests. */
interface Medians {
  readonly hops: number
  readonly totalMs: number
  readonly bytes: number
}

/** The simulator beside the real swarm, and the real one beside plain gossip of the same run. */
function rowsOf(name: string, { real, size, told }: Measured, gossip: Measured): BenchRow[] {
  const simulated = simulateSame(size, told)
  return [
    row(`${name}: hops of a request, simulated / real`, simulated.hops, real.hops, 'hops'),
    row(`${name}: latency of a request, simulated / real`, simulated.totalMs, real.totalMs, 'ms'),
    row(`${name}: bytes of a request, simulated / real`, simulated.bytes, real.bytes, 'bytes'),
    row(`${name}: latency, ${POLICY_USUAL} / gossip`, real.totalMs, gossip.real.totalMs, 'ms'),
    row(`${name}: bytes, ${POLICY_USUAL} / gossip`, real.bytes, gossip.real.bytes, 'bytes'),
  ]
}

async function measure(
  swarm: LaggedSwarm,
  images: number,
  options: BenchOptions,
): Promise<Measured> {
  const { rounds, signal, log } = options
  const near = await timeRequests(swarm, 0, images, options)
  const layerMs = median(near.flatMap(({ layersMs }) => layersMs))
  // Each hop's words go one way, and so do those that asked for the first.
  const messageMs = median(
    near.map(({ totalMs, layersMs }) => (totalMs - sum(layersMs)) / (layersMs.length + 1)),
  )
  log(
    `${images} images: nearby ${layerMs.toFixed(2)} ms in a layer, ${messageMs.toFixed(1)} ms to say it`,
  )
  const far = await timeRequests(swarm, REALITY_ONE_WAY_MS, images, options)
  const presence = await sendingOf(swarm, () => pause(REALITY_SILENCE_MS, signal))
  const bytes: number[] = []
  for (let i = 0; i < rounds; i++) {
    const sent = await sendingOf(swarm, async () => {
      far.push(await classify(swarm.asker, images, i))
      await pause(REALITY_REST_MS, signal)
    })
    bytes.push(sent.bytes - (presence.bytes / presence.ms) * sent.ms)
  }
  const real: Medians = {
    hops: median(far.map(({ layersMs }) => layersMs.length)),
    totalMs: median(far.map(({ totalMs }) => totalMs)),
    bytes: median(bytes),
  }
  const { spec } = swarm.asker.manifest
  const size = { tokens: images * tokensOf(spec), width: spec.width, layers: spec.layers }
  return { real, size, told: { layerMs, messageMs } }
}

interface Timed {
  readonly totalMs: number
  /** In its layers, hop by hop. */
  readonly layersMs: readonly number[]
}

/** Random images, one request after the other, once everybody has got used to the distance. */
async function timeRequests(
  swarm: LaggedSwarm,
  lagMs: number,
  images: number,
  { rounds, signal }: BenchOptions,
): Promise<Timed[]> {
  await swarm.setLag(lagMs)
  const timed: Timed[] = []
  for (let i = -REALITY_WARM_UP_REQUESTS; i < rounds; i++) {
    signal.throwIfAborted()
    const one = await classify(swarm.asker, images, REALITY_WARM_UP_REQUESTS + i)
    if (i >= 0) timed.push(one)
  }
  return timed
}

async function classify(asker: Peer, images: number, seed: number): Promise<Timed> {
  const { channels, imageSize } = asker.manifest.spec
  const input = randomTensor([images, channels, imageSize, imageSize], seed)
  const { totalMs, route } = await (
    await asker.classify(input, { deadlineMs: REALITY_DEADLINE_MS })
  ).answer
  return { totalMs, layersMs: route.map(({ ms }) => ms) }
}

/** What all peers send while something happens. */
async function sendingOf(swarm: LaggedSwarm, happen: () => Promise<unknown>) {
  const startMs = performance.now()
  const before = await swarm.sentBytes()
  await happen()
  const bytes = (await swarm.sentBytes()) - before
  return { bytes, ms: performance.now() - startMs }
}

interface Size {
  readonly tokens: number
  readonly width: number
  readonly layers: number
}

/** What the simulator is told of the machine. */
interface Told {
  readonly layerMs: number
  readonly messageMs: number
}

function simulateSame(size: Size, told: Told): Medians {
  const set = {
    'model.layers': size.layers,
    'model.tokens': size.tokens,
    'model.width': size.width,
    'model.layerMs': told.layerMs,
    'peers.capacity': REALITY_LAYERS_EACH,
    'peers.askersShare': 1 / REALITY_PEERS,
    'speed.nodeShare': 0,
    'speed.hiddenShare': 0,
    'churn.scaleMs': 0,
    'links.rttMedianMs': 2 * REALITY_ONE_WAY_MS,
    'links.rttSigma': 0,
    'links.jitterMs': 0,
    'links.loss': 0,
    'links.natShare': 0,
    'links.mobileShare': 0,
    'links.speedSigma': 0,
    // Loopback by TCP and noise: 141 MB/s measured.
    'links.upMbps': 1_128,
    'links.downMbps': 1_128,
    'gossip.messageMs': told.messageMs,
    // The counters of a peer know payloads.
    'gossip.overheadBytes': 0,
    'requests.perMinute': 20,
  }
  const runs = Array.from({ length: REALITY_RUNS }, (_, seed) =>
    anyOrder(
      simulate('calm', {
        peers: REALITY_PEERS,
        requests: REALITY_RUN_REQUESTS,
        seed,
        policy: 'any-order',
        set,
      }).policies['any-order'],
    ),
  )
  return {
    hops: median(runs.map(({ hopsPerRequest }) => hopsPerRequest)),
    totalMs: median(runs.map(({ p50Ms }) => p50Ms)),
    bytes: median(runs.map(({ bytesPerRequest }) => bytesPerRequest)),
  }
}

function anyOrder(report: PolicyReport | undefined): PolicyReport {
  if (report === undefined)
    throw new Error('the simulation left out the policy that it was asked for')
  return report
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
