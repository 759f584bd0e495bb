import { type Hosted, hostedText, type PolicyReport, simulate } from '@layerswarm/lab'
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
 * which layers each of them took, the delay, and the time in a layer and the handling of one message as eight
 * others took them just before without it; nothing is taken from the requests that are compared. Then eight
 * with plain gossip.
 */
export const reality: Bench = {
  name: 'reality',
  compares: `${REALITY_PEERS} peers ${REALITY_ONE_WAY_MS} ms apart: simulated beside processes, and those beside plain gossip`,
  rounds: 30,
  async run(options) {
    const inWorld = <T>(policy: PolicyName, lagMs: number, measure: MeasureCase<T>) =>
      inOneWorld(policy, lagMs, options, (world) =>
        oneAfterTheOther(CASES, ({ images }) => measure(world, images, options)),
      )
    const told = await inWorld(POLICY_USUAL, 0, learn)
    const ours = await inWorld(POLICY_USUAL, REALITY_ONE_WAY_MS, measure)
    const gossip = await inWorld('gossip', REALITY_ONE_WAY_MS, measure)
    return CASES.flatMap(({ name }, i) => {
      const [own, other, machine] = [ours[i], gossip[i], told[i]]
      if (own === undefined || other === undefined || machine === undefined) return []
      return rowsOf(name, own, other, machine)
    })
  },
}

/** Eight processes and whoever asks them. */
interface World {
  readonly swarm: LaggedSwarm
  readonly asking: Asking
}

/** Something measured with so many images in a request. */
type MeasureCase<T> = (world: World, images: number, options: BenchOptions) => Promise<T>

/**
 * Starts a swarm whose peers have never been nearer or farther: whom they found slow while they were near they
 * remember for a minute, and go round it.
 */
async function inOneWorld<T>(
  policy: PolicyName,
  lagMs: number,
  { signal, log }: BenchOptions,
  use: (world: World) => Promise<T>,
): Promise<T> {
  log(`${policy}: starting ${REALITY_PEERS} processes, ${lagMs} ms apart`)
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
    await swarm.setLag(lagMs)
    return await use({ swarm, asking: new Asking(swarm.asker, signal) })
  } finally {
    await swarm.stop()
  }
}

async function oneAfterTheOther<T, U>(
  items: readonly T[],
  each: (item: T) => Promise<U>,
): Promise<U[]> {
  const all: U[] = []
  for (const item of items) all.push(await each(item))
  return all
}

/** Real requests, and in which world they were made. */
interface Measured {
  readonly real: Figures
  readonly size: Size
  readonly span: Span
  /** Which layers lay where. */
  readonly hosted: Hosted
}

/** Over requests: hops the median, latency the mean of the middle half, bytes the mean, as an audited request sends a third more than another. */
interface Figures {
  readonly hops: number
  /** Peers that a request goes to, the mean: how the layers lie decides it, and it decides the rest. */
  readonly visits: number
  readonly totalMs: number
  readonly bytes: number
}

/** Which of the asker's requests count, by how many came before: it audits strangers most, and learns whom to ask. */
interface Span {
  readonly from: number
  readonly until: number
}

/** The simulator beside the real swarm, and the real one beside plain gossip of the same run. */
function rowsOf(
  name: string,
  { real, ...same }: Measured,
  gossip: Measured,
  told: Told,
): BenchRow[] {
  const simulated = simulateSame(same, told)
  return [
    row(`${name}: hops of a request, simulated / real`, simulated.hops, real.hops, 'hops'),
    row(
      `${name}: peers that a request visits, simulated / real`,
      simulated.visits,
      real.visits,
      'visits',
    ),
    row(`${name}: latency of a request, simulated / real`, simulated.totalMs, real.totalMs, 'ms'),
    row(`${name}: bytes of a request, simulated / real`, simulated.bytes, real.bytes, 'bytes'),
    row(`${name}: latency, ${POLICY_USUAL} / gossip`, real.totalMs, gossip.real.totalMs, 'ms'),
    row(`${name}: bytes, ${POLICY_USUAL} / gossip`, real.bytes, gossip.real.bytes, 'bytes'),
  ]
}

/** Requests without a delay, to learn what the machine takes. */
async function learn(
  { asking }: World,
  images: number,
  { rounds, log }: BenchOptions,
): Promise<Told> {
  await asking.all(images, REALITY_FIRST_REQUESTS + REALITY_WARM_UP_REQUESTS)
  const told = toldBy(await asking.all(images, REALITY_TURNS * rounds))
  log(
    `${images} images: nearby ${told.layerMs.toFixed(2)} ms in a layer, ${told.messageMs.toFixed(1)} ms to say it`,
  )
  return told
}

async function measure(
  { swarm, asking }: World,
  images: number,
  { rounds, signal, log }: BenchOptions,
): Promise<Measured> {
  const apart: Timed[] = []
  // Presence is said without being asked: it is taken off, by the time that the requests took.
  const sent = { bytes: 0, presenceBytes: 0 }
  const span = { from: 0, until: 0 }
  await asking.all(images, REALITY_FIRST_REQUESTS)
  const hosted = await swarm.hosted()
  for (let turn = 0; turn < REALITY_TURNS; turn++) {
    await asking.all(images, REALITY_WARM_UP_REQUESTS)
    const silence = await sendingOf(swarm, () => pause(REALITY_SILENCE_MS, signal))
    if (turn === 0) span.from = asking.asked
    const work = await sendingOf(swarm, async () => {
      apart.push(...(await asking.all(images, rounds)))
    })
    span.until = asking.asked
    sent.bytes += work.bytes
    sent.presenceBytes += (silence.bytes / silence.ms) * work.ms
    const now = await swarm.hosted()
    if (JSON.stringify(now) !== JSON.stringify(hosted))
      log(`layers moved while it was measured, and were simulated as before: ${hostedText(now)}`)
  }
  const visits = apart.map((one) => one.visits)
  log(
    `${images} images: layers ${hostedText(hosted)}, an image visits ${median(visits)} peers (${Math.min(...visits)} to ${Math.max(...visits)})`,
  )
  const real: Figures = {
    hops: median(apart.map(({ layersMs }) => layersMs.length)),
    visits: sum(visits) / apart.length,
    totalMs: middleMean(apart.map(({ totalMs }) => totalMs)),
    bytes: (sent.bytes - sent.presenceBytes) / apart.length,
  }
  const { spec } = swarm.asker.manifest
  const size = { tokens: images * tokensOf(spec), width: spec.width, layers: spec.layers }
  return { real, size, span, hosted }
}

/** What requests without a delay say of the machine. */
function toldBy(nearby: readonly Timed[]): Told {
  return {
    layerMs: median(nearby.flatMap(({ layersMs }) => layersMs)),
    // Words go one way to each peer that is visited, and one to whoever asked; layers in a row on one peer need none.
    messageMs: median(
      nearby.map(({ totalMs, layersMs, visits }) => (totalMs - sum(layersMs)) / (visits + 1)),
    ),
  }
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

function simulateSame({ size, span, hosted }: Omit<Measured, 'real'>, told: Told): Figures {
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
    // A delay at the transport port is measured as it is. Misjudged ways decide whether an image goes to a peer more.
    'links.rttError': 0,
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
  const ask = (requests: number, seed: number) => {
    const world = { peers: REALITY_PEERS, policy: 'any-order', hosted, set }
    return anyOrder(simulate('calm', { ...world, requests, seed }).policies['any-order'])
  }
  const runs = Array.from({ length: REALITY_RUNS }, (_, seed) => {
    const whole = ask(span.until, seed)
    const before = ask(span.from, seed)
    const inSpan = (of: (report: PolicyReport) => number) =>
      (of(whole) - of(before)) / (span.until - span.from)
    return {
      hops: whole.hopsPerRequest,
      visits: inSpan(({ visitsPerRequest, answered }) => (visitsPerRequest ?? 0) * answered),
      totalMs: middleMean(whole.latencyMs),
      bytes: inSpan(({ bytesPerRequest, requests }) => bytesPerRequest * requests),
    }
  })
  return {
    hops: median(runs.map(({ hops }) => hops)),
    visits: median(runs.map(({ visits }) => visits)),
    totalMs: median(runs.map(({ totalMs }) => totalMs)),
    bytes: sum(runs.map(({ bytes }) => bytes)) / runs.length,
  }
}

/** The mean of the middle half: where some requests visit a peer more than others, a median is now one and now the other. */
function middleMean(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const outside = Math.floor(sorted.length / 4)
  const middle = sorted.slice(outside, sorted.length - outside)
  return sum(middle) / middle.length
}

function anyOrder(report: PolicyReport | undefined): PolicyReport {
  if (report === undefined)
    throw new Error('the simulation left out the policy that it was asked for')
  return report
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
