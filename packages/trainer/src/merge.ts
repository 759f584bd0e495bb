import {
  canonicalJson,
  type Json,
  ModelError,
  type ModelSpec,
  type Part,
  partsOf,
  partValues,
  writePart,
} from '@layerswarm/model'
import type { PartFiles } from './model-file.ts'
import { createRandom } from './random.ts'

/** The hop embedding is one tensor of the whole model, of which every layer file has a copy. */
const SHARED_TENSOR = 'embedding.weight'

/** Whether two models have the same shape and variant, so that their layers may be mixed. */
export function sameSpec(a: ModelSpec, b: ModelSpec): boolean {
  return canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json)
}

/** Draws which layers come from the second model: half of them, rounded down. */
export function drawMask(layers: number, seed: number): boolean[] {
  const drawn = createRandom(seed, 'merge mask').permutation(layers)
  const second = new Set(drawn.subarray(0, Math.floor(layers / 2)))
  return Array.from({ length: layers }, (_, layer) => second.has(layer))
}

/**
 * A model of the layers of two (LayerShuffle, arXiv 2407.04513, the merging experiment): layer i
 * comes from `b` where `mask[i]` is true. Stem, head and a hop embedding come from `a`.
 * @throws ModelError when a part is missing or does not fit, `bad-order` for a mask of another length.
 */
export function mergeParts(
  spec: ModelSpec,
  a: PartFiles,
  b: PartFiles,
  mask: readonly boolean[],
): Map<Part, Uint8Array> {
  if (mask.length !== spec.layers) {
    throw new ModelError(
      { code: 'bad-order', order: [] },
      `mask: it has ${mask.length} entries, the models have ${spec.layers} layers`,
    )
  }
  return new Map(
    partsOf(spec).map((part) => {
      const fromB = typeof part === 'number' && mask[part] === true
      const values = partValues(spec, part, fileOf(fromB ? b : a, part))
      const shared = partValues(spec, part, fileOf(a, part))[SHARED_TENSOR]
      const merged = shared === undefined ? values : { ...values, [SHARED_TENSOR]: shared }
      return [part, writePart(spec, part, merged)]
    }),
  )
}

function fileOf(files: PartFiles, part: Part): Uint8Array {
  return files.get(part) ?? new Uint8Array()
}
