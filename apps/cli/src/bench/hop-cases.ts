import { type ModelSpec, tokensOf } from '@layerswarm/model'
import { type BenchOptions, type BenchRow, medianRow } from './bench.ts'
import { WARM_UP_ROUNDS_MAX } from './limits.ts'

/** Narrow layers, many of them: compute is not measured, and one request crosses many times. */
export const HOP_SPEC: ModelSpec = {
  variant: 'shuffle',
  imageSize: 28,
  patchSize: 4,
  channels: 1,
  width: 64,
  layers: 16,
  heads: 4,
  mlpWidth: 64,
  classes: 10,
  layerNormEps: 1e-6,
}

/** All layers in turn. With the even ones at one peer and the odd ones at the other every hop crosses. */
export const PLAN: readonly number[] = Array.from({ length: HOP_SPEC.layers }, (_, layer) => layer)

/** The layers of one of the two places: neighbours in the plan are never in the same. */
export const EVEN_LAYERS = PLAN.filter((layer) => layer % 2 === 0)

/** The layers of the other place. */
export const ODD_LAYERS = PLAN.filter((layer) => layer % 2 === 1)

const FLOAT16_BYTES = 2
const BYTES_PER_IMAGE = tokensOf(HOP_SPEC) * HOP_SPEC.width * FLOAT16_BYTES

/** One image rides in the message; 47 of them are as large as ViT-B's tokens and must be pulled. */
const CASES = [
  { name: 'inline', images: 1 },
  { name: 'pulled', images: 47 },
]

/** A request as its asker timed it, in milliseconds. */
export interface TimedRequest {
  readonly totalMs: number
  /** The part of it that hosts spent in their layers. */
  readonly layersMs: number
}

/** The peer that asks and hosts the odd layers, connected to the one that hosts the even layers. */
export interface HopSite {
  /** Has random images classified in the order of the plan. */
  request(images: number, plan: readonly number[]): Promise<TimedRequest>
  /** So many bytes there and back over a bare libp2p stream to the other's place; the mean of `times`. */
  echoMs(bytes: number, times: number): Promise<number>
}

/** Measures both cases at a site. @param site in words, for the rows. */
export async function measureHops(
  site: HopSite,
  where: string,
  options: BenchOptions,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const { name, images } of CASES) {
    const bytes = images * BYTES_PER_IMAGE
    const size = `${name}, ${Math.round(bytes / 1024)} KiB`
    options.log(`${where}: ${size}`)
    const { hops, requests, echoes } = await takeTurns(site, images, bytes, options)
    rows.push(
      medianRow(`one hop between ${where}, ${size}`, hops, echoes, 'ms'),
      medianRow(`a whole request of one hop between ${where}, ${size}`, requests, echoes, 'ms'),
    )
  }
  return rows
}

/**
 * Takes turns, so that whatever else the machine does meets both sides alike; for the same reason a
 * round's echo is the mean of as many as its request has hops.
 */
async function takeTurns(
  site: HopSite,
  images: number,
  bytes: number,
  { rounds, signal }: BenchOptions,
): Promise<{ hops: number[]; requests: number[]; echoes: number[] }> {
  const measured = { hops: [] as number[], requests: [] as number[], echoes: [] as number[] }
  for (let round = -Math.min(rounds, WARM_UP_ROUNDS_MAX); round < rounds; round++) {
    signal.throwIfAborted()
    const crossing = await site.request(images, PLAN)
    const echoMs = await site.echoMs(bytes, PLAN.length)
    const single = await site.request(images, PLAN.slice(0, 1))
    if (round < 0) continue
    measured.hops.push((crossing.totalMs - crossing.layersMs) / PLAN.length)
    measured.requests.push(single.totalMs - single.layersMs)
    measured.echoes.push(echoMs)
  }
  return measured
}
