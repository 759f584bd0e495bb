import type { VisitParts } from '@layerswarm/peer/visit-parts'
import { type BenchOptions, type BenchPart, type BenchRow, median, medianRow } from './bench.ts'
import {
  bytesOf,
  type HopCase,
  type HopModel,
  type HopSite,
  ODD_LAYERS,
  PLAN,
  type TimedRequest,
} from './hop-cases.ts'
import { WARM_UP_ROUNDS_MAX } from './limits.ts'

/** Measures the cases of a model at a site. @param where the site, in words, for the rows. */
export async function measureHops(
  site: HopSite,
  where: string,
  { spec, cases }: HopModel,
  options: BenchOptions,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const one of cases) {
    const bytes = bytesOf(one, spec)
    const size = `${one.name}, ${sizeText(bytes)}`
    options.log(`${where}: ${size}`)
    const rounds = await takeTurns(site, one, bytes, options)
    const { hops, requests, echoes } = rounds
    const hop = medianRow(`one hop between ${where}, ${size}`, hops, echoes, 'ms')
    rows.push(
      { ...hop, parts: partsOf(hop, rounds) },
      medianRow(`a whole request of one hop between ${where}, ${size}`, requests, echoes, 'ms'),
    )
  }
  return rows
}

function sizeText(bytes: number): string {
  return `${bytes < 1024 ? (bytes / 1024).toFixed(1) : Math.round(bytes / 1024)} KiB`
}

/** What was measured, in milliseconds, round by round. */
interface Rounds {
  readonly hops: number[]
  readonly requests: number[]
  readonly echoes: number[]
  /** One more layer of a visit, without its compute. */
  readonly runs: number[]
  readonly parts: VisitParts[]
}

/**
 * Takes turns, so that whatever else the machine does meets both sides alike; for the same reason a
 * round's echo is the mean of as many as its request has hops.
 */
async function takeTurns(
  site: HopSite,
  { images }: HopCase,
  bytes: number,
  { rounds, signal }: BenchOptions,
): Promise<Rounds> {
  const measured: Rounds = { hops: [], requests: [], echoes: [], runs: [], parts: [] }
  for (let round = -Math.min(rounds, WARM_UP_ROUNDS_MAX); round < rounds; round++) {
    signal.throwIfAborted()
    const crossing = await site.request(images, PLAN)
    const echoMs = await site.echoMs(bytes, PLAN.length)
    const single = await site.request(images, PLAN.slice(0, 1))
    const whole = await site.request(images, ODD_LAYERS)
    const first = await site.request(images, ODD_LAYERS.slice(0, 1))
    const parts = await site.visitParts({ bytes, layers: PLAN.length, times: 4 })
    if (round < 0) continue
    measured.hops.push(beside(crossing) / PLAN.length)
    measured.requests.push(beside(single))
    measured.echoes.push(echoMs)
    measured.runs.push((beside(whole) - beside(first)) / (ODD_LAYERS.length - 1))
    measured.parts.push(parts)
  }
  return measured
}

/** What a request took beside its layers. */
function beside({ totalMs, layersMs }: TimedRequest): number {
  return totalMs - layersMs
}

/** What a hop is made of; what is left is waiting, as far as parts do not go on at the same time. */
function partsOf({ ours, reference }: BenchRow, { runs, parts }: Rounds): BenchPart[] {
  const middle = (part: keyof VisitParts) => median(parts.map((one) => one[part]))
  const known = [
    { part: 'the bytes, one way: half of the echo', ours: reference / 2 },
    { part: 'the engine: to the worker and back, its output encoded', ours: median(runs) },
    { part: 'deciding, and messages written, read and judged', ours: middle('decidingMs') },
    { part: 'hashing at both ends', ours: middle('hashingMs') },
    { part: 'framing', ours: middle('framingMs') },
    // A step carries its author's link; whoever goes on checks that one and signs its own.
    { part: 'a signature and its check', ours: middle('signatureMs') },
  ]
  const sum = known.reduce((total, one) => total + one.ours, 0)
  return [...known, { part: 'what is left: turns of event loops, waiting', ours: ours - sum }]
}
