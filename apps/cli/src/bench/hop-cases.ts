import { type ModelSpec, tokensOf } from '@layerswarm/model'
import type { VisitParts, VisitSize } from '@layerswarm/peer/visit-parts'

/** Narrow layers, many of them: compute is not measured, and one request crosses many times. */
const FIFTY_TOKENS: ModelSpec = {
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

/** A size of activation. */
export interface HopCase {
  readonly name: string
  /** Images of the request. */
  readonly images: number
}

/** A model, and the sizes that are measured with it. */
export interface HopModel {
  readonly name: string
  readonly spec: ModelSpec
  readonly cases: readonly HopCase[]
}

/**
 * Five tokens ride in the message, fifty are pushed beside it; those of 47 images are as large as
 * ViT-B's of one.
 */
export const HOP_MODELS: readonly HopModel[] = [
  {
    name: 'sixteen-narrow-layers-of-five-tokens',
    spec: { ...FIFTY_TOKENS, patchSize: 14 },
    cases: [{ name: 'inline', images: 1 }],
  },
  {
    name: 'sixteen-narrow-layers',
    spec: FIFTY_TOKENS,
    cases: [
      { name: 'pushed', images: 1 },
      { name: 'pushed', images: 47 },
    ],
  },
]

/** All layers in turn. With the even ones at one peer and the odd ones at the other every hop crosses. */
export const PLAN: readonly number[] = Array.from(
  { length: FIFTY_TOKENS.layers },
  (_, layer) => layer,
)

/** The layers of one of the two places: neighbours in the plan are never in the same. */
export const EVEN_LAYERS = PLAN.filter((layer) => layer % 2 === 0)

/** The layers of the other place, that of the peer that asks. */
export const ODD_LAYERS = PLAN.filter((layer) => layer % 2 === 1)

const FLOAT16_BYTES = 2

/** Bytes of the activation of a case. */
export function bytesOf({ images }: HopCase, spec: ModelSpec): number {
  return images * tokensOf(spec) * spec.width * FLOAT16_BYTES
}

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
  /** The parts of a visit, each by itself where the peer is that asks. */
  visitParts(size: VisitSize): Promise<VisitParts>
}
