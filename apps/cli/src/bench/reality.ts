import { type PolicyReport, simulate } from '@layerswarm/lab'
import { randomTensor, tokensOf } from '@layerswarm/model'
import type { Peer, PolicyName } from '@layerswarm/peer'
import { POLICY_USUAL } from '../line/policy-option.ts'
import { pause } from '../until-aborted.ts'
import { type Bench, type BenchOptions, type BenchRow, median, row } from './bench.ts'
import { type LaggedSwarm, startLaggedSwarm } from './lagged-swarm.ts'
import {
  REALITY_DEADLINE_MS,
  REALITY_FIRST_REQUESTS,
  REALITY_LAYERS_EACH,
  REALITY_ONE_WAY_MS,
  REALITY_PEERS,
  REALITY_REST_MS,
  REALITY_RUNS,
  REALITY_SILENCE_MS,
  REALITY_TURNS,
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
        const asking = new Asking(swarm.asker, signal)
        const all: Measured[] = []
        for (const { images } of CASES) all.push(await measure(swarm, asking, images, options))
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

/** Real requests, and what the same swarm would have measured without the distance. */
interface Measured {
  readonly real: Figures
  readonly size: Size
  readonly told: Told
  readonly span: Span
}

/** Over requests: hops and latency medians, bytes the mean, as an audited request sends a third more than another. */
interface Figures {
  readonly hops: number
  readonly totalMs: number
  readonly bytes: number
}

/** Which of the asker's requests count, by how many came before: it audits strangers most, and learns whom to ask. */
interface Span {
  readonly from: number
  readonly until: number
}

/** The simulator beside the real swarm, and the real one beside plain gossip of the same run. */
function rowsOf(name: string, { real, ...same }: Measured, gossip: Measured): BenchRow[] {
  const simulated = simulateSame(same)
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
  asking: Asking,
  images: number,
  { rounds, signal, log }: BenchOptions,
): Promise<Measured> {
  const near: Timed[] = []
  const far: Timed[] = []
  // Presence is said without being asked: it is taken off, by the time that the requests took.
  const sent = { bytes: 0, presenceBytes: 0 }
  const span = { from: 0, until: 0 }
  await swarm.setLag(0)
  await asking.all(images, REALITY_FIRST_REQUESTS)
  // In turns: a machine that is busier for a while is so for both.
  for (let turn = 0; turn < REALITY_TURNS; turn++) {
    await swarm.setLag(0)
    await asking.all(images, REALITY_WARM_UP_REQUESTS)
    near.push(...(await asking.all(images, rounds)))
    await swarm.setLag(REALITY_ONE_WAY_MS)
    await asking.all(images, REALITY_WARM_UP_REQUESTS)
    const silence = await sendingOf(swarm, () => pause(REALITY_SILENCE_MS, signal))
    if (turn === 0) span.from = asking.asked
    const work = await sendingOf(swarm, async () => {
      far.push(...(await asking.all(images, rounds)))
    })
    span.until = asking.asked
    sent.bytes += work.bytes
    sent.presenceBytes += (silence.bytes / silence.ms) * work.ms
  }
  const layerMs = median(near.flatMap(({ layersMs }) => layersMs))
  // Words go one way to each peer that is visited, and one to whoever asked; layers in a row on one peer need none.
  const messageMs = median(
    near.map(({ totalMs, layersMs, visits }) => (totalMs - sum(layersMs)) / (visits + 1)),
  )
  log(
    `${images} images: nearby ${layerMs.toFixed(2)} ms in a layer, ${messageMs.toFixed(1)} ms to say it`,
  )
  const real: Figures = {
    hops: median(far.map(({ layersMs }) => layersMs.length)),
    totalMs: median(far.map(({ totalMs }) => totalMs)),
    bytes: (sent.bytes - sent.presenceBytes) / far.length,
  }
  const { spec } = swarm.asker.manifest
  const size = { tokens: images * tokensOf(spec), width: spec.width, layers: spec.layers }
  return { real, size, told: { layerMs, messageMs }, span }
}

/** Random images, one request after the other. */
class Asking {
  private readonly asker: Peer
  private readonly signal: AbortSignal
  /** Requests so far. */
  asked = 0

  constructor(asker: Peer, signal: AbortSignal) {
    this.asker = asker
    this.signal = signal
  }

  async all(images: number, requests: number): Promise<Timed[]> {
    const timed: Timed[] = []
    for (let i = 0; i < requests; i++) {
      this.signal.throwIfAborted()
      timed.push(await this.one(images))
      // What one of them says last is not counted with the next.
      await pause(REALITY_REST_MS, this.signal)
    }
    return timed
  }

  private async one(images: number): Promise<Timed> {
    const { channels, imageSize } = this.asker.manifest.spec
    const input = randomTensor([images, channels, imageSize, imageSize], this.asked++)
    const { totalMs, route } = await (
      await this.asker.classify(input, { deadlineMs: REALITY_DEADLINE_MS })
    ).answer
    const visits = route.filter(({ peer }, i) => peer !== route[i - 1]?.peer).length
    return { totalMs, layersMs: route.map(({ ms }) => ms), visits }
  }
}

interface Timed {
  readonly totalMs: number
  /** In its layers, hop by hop. */
  readonly layersMs: readonly number[]
  /** Peers that it went to, one after the other. */
  readonly visits: number
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

function simulateSame({ size, told, span }: Omit<Measured, 'real'>): Figures {
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
  // The same seed, stopped earlier, is the beginning of the longer run.
  const ask = (requests: number, seed: number) =>
    anyOrder(
      simulate('calm', { peers: REALITY_PEERS, requests, seed, policy: 'any-order', set }).policies[
        'any-order'
      ],
    )
  const runs = Array.from({ length: REALITY_RUNS }, (_, seed) => {
    const whole = ask(span.until, seed)
    const before = ask(span.from, seed)
    const bytes = sentIn(whole) - sentIn(before)
    return { ...whole, bytes: bytes / (span.until - span.from) }
  })
  return {
    hops: median(runs.map(({ hopsPerRequest }) => hopsPerRequest)),
    totalMs: median(runs.map(({ p50Ms }) => p50Ms)),
    bytes: sum(runs.map(({ bytes }) => bytes)) / runs.length,
  }
}

function sentIn({ bytesPerRequest, requests }: PolicyReport): number {
  return bytesPerRequest * requests
}

function anyOrder(report: PolicyReport | undefined): PolicyReport {
  if (report === undefined)
    throw new Error('the simulation left out the policy that it was asked for')
  return report
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
