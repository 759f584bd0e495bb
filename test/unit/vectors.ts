import { readFile } from 'node:fs/promises'
import {
  type ModelSpec,
  type Part,
  parseHuggingFaceConfig,
  splitCheckpoint,
  type Tensor,
  tensor,
} from '@layerswarm/model'

/** The models of test/vectors: tiny, random, with logits that PyTorch computed in float64. */
export const VECTOR_NAMES = ['vit-shuffle', 'vit-position', 'vit-predict'] as const
export type VectorName = (typeof VECTOR_NAMES)[number]

/** One order of layers and what PyTorch makes of the images in it. */
export interface VectorCase {
  readonly order: readonly number[]
  /** (B, classes) */
  readonly logits: readonly (readonly number[])[]
  /** The class token behind the last layer, (B, C). */
  readonly lastCls: readonly (readonly number[])[]
  /** `predict` only: the guess of the hop by the layer that ran there, (hops, B, layers). */
  readonly positionLogits?: readonly (readonly (readonly number[])[])[]
}

export interface Vectors {
  readonly spec: ModelSpec
  /** (B, channels, H, W) */
  readonly images: Tensor
  readonly checkpoint: Uint8Array
  readonly parts: ReadonlyMap<Part, Uint8Array>
  /** The first patch's token behind the stem, (B, C). */
  readonly embeddingFirstToken: readonly (readonly number[])[]
  readonly cases: readonly VectorCase[]
}

/** Loads one of the models with everything that is expected of it. */
export async function loadVectors(name: VectorName): Promise<Vectors> {
  const folder = new URL(`../vectors/${name}/`, import.meta.url)
  const [config, expected, checkpoint] = await Promise.all([
    readFile(new URL('config.json', folder), 'utf8'),
    readFile(new URL('expected.json', folder), 'utf8'),
    readFile(new URL('model.safetensors', folder)),
  ])
  const spec = parseHuggingFaceConfig(JSON.parse(config))
  const { images, embeddingFirstToken, cases } = JSON.parse(expected)
  return {
    spec,
    images: tensor(images.shape, Float32Array.from(images.data)),
    checkpoint,
    parts: splitCheckpoint(checkpoint, spec),
    embeddingFirstToken,
    cases,
  }
}
