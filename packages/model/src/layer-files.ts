import type { Sha256 } from './hash.ts'
import { LAYER_FILES_APART_MAX, PART_BYTES_MAX } from './limits.ts'
import { fail, parseAccuracy, parseCount, parseDigest, parseFields } from './manifest-fields.ts'
import type { PartDtype } from './part-file.ts'
import type { ModelSpec } from './spec.ts'

/** How the files of layers store their values, the largest first. */
export const LAYER_DTYPES = ['float32', 'float16', 'int8', 'int4'] as const

/** One of `LAYER_DTYPES`. */
export type LayerDtype = (typeof LAYER_DTYPES)[number]

/** The same by the names of safetensors. */
export const STORED_AS: Readonly<Record<LayerDtype, PartDtype>> = Object.freeze({
  float32: 'F32',
  float16: 'F16',
  int8: 'I8',
  int4: 'I4',
})

/** Smaller files of all layers of a release, beside those that its parts name, and what they cost. */
export interface LayerFiles {
  readonly dtype: LayerDtype
  /** In arbitrary order with these files for all layers, 0 … 1, as the publisher measured it. */
  readonly accuracy: number
  /** And with those that the parts name, on the same pictures in the same orders. */
  readonly own: number
  /**
   * How far a layer's output is from that of its float32 weights, ‖a − b‖ / ‖b‖, at most, of one layer; of n layers
   * one after the other √n times that. Audits allow for it.
   */
  readonly apart: number
  /** One for each layer, first to last. */
  readonly files: readonly { readonly sha256: Sha256; readonly bytes: number }[]
}

const FIELDS: readonly string[] = ['dtype', 'accuracy', 'own', 'apart', 'files']
const FILE_FIELDS: readonly string[] = ['sha256', 'bytes']

/**
 * Reads the field `layerFiles` of a manifest from untrusted data.
 * @param largest how its parts store the layers: what is listed must be smaller, each kind once, the largest first.
 * @throws ModelError `bad-manifest`.
 */
export function parseLayerFiles(
  value: unknown,
  { layers }: Pick<ModelSpec, 'layers'>,
  largest: LayerDtype,
): LayerFiles[] {
  const smaller = LAYER_DTYPES.slice(LAYER_DTYPES.indexOf(largest) + 1)
  if (!Array.isArray(value) || value.length < 1 || value.length > smaller.length) {
    fail('layerFiles', `must be a list of 1 to ${smaller.length} kinds of smaller files`)
  }
  let before = -1
  return value.map((one: unknown, index) => {
    const field = `layerFiles.${index}`
    const source = parseFields(field, one, FIELDS)
    const dtype = smaller.find((name) => name === source.dtype)
    const at = dtype === undefined ? -1 : smaller.indexOf(dtype)
    if (dtype === undefined || at <= before) {
      fail(`${field}.dtype`, `must be of ${smaller.join(', ')}, each once and in this order`)
    }
    before = at
    const { files, apart } = source
    if (typeof apart !== 'number' || !(apart >= 0 && apart <= LAYER_FILES_APART_MAX)) {
      fail(`${field}.apart`, `must be a relative distance from 0 to ${LAYER_FILES_APART_MAX}`)
    }
    if (!Array.isArray(files) || files.length !== layers) {
      fail(`${field}.files`, `must be a list of ${layers}, one for each layer`)
    }
    return {
      dtype,
      accuracy: parseAccuracy(`${field}.accuracy`, source.accuracy),
      own: parseAccuracy(`${field}.own`, source.own),
      apart,
      files: files.map((file: unknown, layer) => parseFile(`${field}.files.${layer}`, file)),
    }
  })
}

function parseFile(field: string, value: unknown): LayerFiles['files'][number] {
  const { sha256, bytes } = parseFields(field, value, FILE_FIELDS)
  return {
    sha256: parseDigest(`${field}.sha256`, sha256),
    bytes: parseCount(`${field}.bytes`, bytes, 1, PART_BYTES_MAX),
  }
}
