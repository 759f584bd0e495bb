import {
  checkpointName,
  ModelError,
  type ModelSpec,
  partsOf,
  readStoredTensors,
  type SafetensorsTensor,
  shapesOf,
  storedValues,
} from '@layerswarm/model'

/** A tensor as a checkpoint stores it, of any element type. */
export interface RawTensor {
  /** As safetensors names it. */
  readonly dtype: string
  readonly shape: readonly number[]
  /** Its bytes; a view. */
  readonly data: Uint8Array
}

/** The tensors of a checkpoint by their names. */
export type RawTensors = ReadonlyMap<string, RawTensor>

/**
 * All tensors of a model that lies in one safetensors file or in several. Copies no values.
 * @throws ModelError `bad-safetensors` for a damaged file, or a tensor that two files have.
 */
export function collectTensors(files: readonly Uint8Array[]): RawTensors {
  const all = new Map<string, RawTensor>()
  for (const file of files) {
    for (const [name, entry] of Object.entries(readStoredTensors(file).tensors)) {
      const { dtype, shape, offset, bytes } = entry
      if (all.has(name)) {
        throw new ModelError(
          { code: 'bad-safetensors' },
          `tensor ${quoted(name)} is in two files of the checkpoint`,
        )
      }
      all.set(name, { dtype, shape, data: file.subarray(offset, offset + bytes) })
    }
  }
  return withoutWrapper(all)
}

/** What training in parallel puts before every name. */
const WRAPPERS = ['module.', 'model.']

function withoutWrapper(tensors: RawTensors): RawTensors {
  const wrapper = WRAPPERS.find((one) => [...tensors.keys()].every((name) => name.startsWith(one)))
  if (wrapper === undefined || tensors.size === 0) return tensors
  return new Map([...tensors].map(([name, tensor]) => [name.slice(wrapper.length), tensor]))
}

/**
 * Names of transformers' ViT for those of its DeiT and of models saved without a classifier, whose
 * names have no prefix.
 */
export function huggingFaceNames(tensors: RawTensors): RawTensors {
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name
        .replace(/^deit\./, 'vit.')
        .replace(/^(embeddings|encoder|layernorm|pooler)\./, 'vit.$1.')
        .replace(/^cls_classifier\./, 'classifier.'),
      tensor,
    ]),
  )
}

/** Tensors inside a model that its class token never sees: of the pooler, and of masked training. */
const UNUSED = /^vit\.(pooler\.|embeddings\.mask_token$)/
/** Positions, counters and masks: no weights. */
const INTEGER = /^(BOOL|[IU]\d+)$/

/** What a model needs of a checkpoint, and what is left over. */
export interface SortedTensors {
  /** As float32, by their names in the checkpoint; the missing ones are missing here too. */
  readonly needed: Readonly<Record<string, SafetensorsTensor>>
  /** Names of those that nobody needs, in the order of the file. */
  readonly skipped: readonly string[]
}

/**
 * Takes out of a checkpoint what the parts of a model need. What lies beside the model or holds
 * whole numbers is skipped; a weight inside it that no part has would change its answers.
 * @throws ModelError `extra-tensor` for such a weight, `bad-safetensors` for a needed tensor whose
 * type is none of F32, F16, BF16 and F64.
 */
export function sortTensors(tensors: RawTensors, spec: ModelSpec): SortedTensors {
  const names = new Set(
    partsOf(spec).flatMap((part) =>
      Object.keys(shapesOf(spec, part)).map((name) => checkpointName(part, name)),
    ),
  )
  const needed: [string, SafetensorsTensor][] = []
  const skipped: string[] = []
  for (const [name, tensor] of tensors) {
    if (names.has(name)) needed.push([name, asFloat32(name, tensor)])
    else if (UNUSED.test(name) || INTEGER.test(tensor.dtype) || !/^(vit|classifier)\./.test(name))
      skipped.push(name)
    else failExtra(name, 'belongs to no model of this variant')
  }
  return { needed: Object.fromEntries(needed), skipped }
}

function asFloat32(name: string, { dtype, shape, data }: RawTensor): SafetensorsTensor {
  if (dtype === 'F32') return { dtype, shape, data }
  const values = storedValues(data, { dtype, shape, offset: 0, bytes: data.length }, name)
  return { dtype: 'F32', shape, data: new Uint8Array(values.buffer) }
}

/** @throws ModelError `extra-tensor`. */
export function failExtra(tensor: string, reason: string): never {
  throw new ModelError(
    { code: 'extra-tensor', tensor },
    `tensor ${quoted(tensor)} of the checkpoint ${reason}`,
  )
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 100))
}
