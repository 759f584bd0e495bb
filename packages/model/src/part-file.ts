import { ModelError } from './errors.ts'
import { decodeHalf, encodeHalf } from './half.ts'
import { partName } from './part-input.ts'
import {
  readSafetensors,
  type SafetensorsDtype,
  type SafetensorsEntry,
  type SafetensorsHeader,
  type SafetensorsTensor,
  tensorValues,
  writeSafetensors,
} from './safetensors.ts'
import { checkpointName, type ModelSpec, type Part, partsOf, shapesOf } from './spec.ts'

/** Where the tensors of one part lie in its file, by the names of `shapesOf(spec, part)`. */
export type PartTensors = Readonly<Record<string, SafetensorsEntry>>

/** How a checkpoint is split into part files. */
export interface SplitOptions {
  /** How the part files store their values. F16 halves them and rounds each weight to 11 bits. */
  readonly dtype: SafetensorsDtype
}

/** Part files of float32, which lose nothing. */
export const SPLIT_DEFAULTS: SplitOptions = Object.freeze({ dtype: 'F32' })

/** Tensors of a Hugging Face checkpoint that a classifier does not use. */
const UNUSED = /^vit\.pooler\./

/**
 * Checks that a file holds exactly the tensors of one part in their right shapes.
 * @throws ModelError `bad-safetensors`, `missing-tensor`, `extra-tensor` or `bad-shape`.
 */
export function checkPart(spec: ModelSpec, part: Part, file: Uint8Array): PartTensors {
  const { tensors } = readSafetensors(file)
  const shapes = shapesOf(spec, part)
  for (const [name, shape] of Object.entries(shapes)) {
    entryOf(tensors, name, shape, partName(part))
  }
  for (const name of Object.keys(tensors)) {
    if (!Object.hasOwn(shapes, name)) failExtra(name, partName(part))
  }
  return tensors
}

/** The values of every tensor of a checked part. */
export function partValues(
  spec: ModelSpec,
  part: Part,
  file: Uint8Array,
): Readonly<Record<string, Float32Array>> {
  const entries = Object.entries(checkPart(spec, part, file))
  return Object.fromEntries(entries.map(([name, entry]) => [name, tensorValues(file, entry)]))
}

/**
 * Cuts a whole model, a safetensors file with the names of Hugging Face's ViT, into the files of
 * its parts. A pooler is left out; any other tensor that no part has is refused.
 * @throws ModelError `bad-safetensors`, `missing-tensor`, `extra-tensor` or `bad-shape`, naming the
 * tensor as the checkpoint does.
 */
export function splitCheckpoint(
  checkpoint: Uint8Array,
  spec: ModelSpec,
  options: Partial<SplitOptions> = {},
): Map<Part, Uint8Array> {
  const { dtype } = { ...SPLIT_DEFAULTS, ...options }
  const { tensors } = readSafetensors(checkpoint)
  const used = new Set<string>()
  const parts = new Map<Part, Uint8Array>()
  for (const part of partsOf(spec)) {
    const cut: Record<string, SafetensorsTensor> = {}
    for (const [name, shape] of Object.entries(shapesOf(spec, part))) {
      const whole = checkpointName(part, name)
      const entry = entryOf(tensors, whole, shape, 'the checkpoint')
      cut[name] = { dtype, shape, data: elementBytes(checkpoint, entry, dtype, whole) }
      used.add(whole)
    }
    parts.set(part, writeSafetensors(cut))
  }
  for (const name of Object.keys(tensors)) {
    if (!used.has(name) && !UNUSED.test(name)) failExtra(name, 'the checkpoint')
  }
  return parts
}

/**
 * Joins the files of all parts into one whole-model safetensors file with the names of Hugging
 * Face's ViT; what `splitCheckpoint` cut is joined to the same tensors.
 * @throws ModelError as `checkPart` does, `not-loaded` when a part is not given, `bad-safetensors`
 * when layers from different models disagree on the hop embedding that a checkpoint stores once.
 */
export function joinCheckpoint(spec: ModelSpec, parts: ReadonlyMap<Part, Uint8Array>): Uint8Array {
  const whole: Record<string, SafetensorsTensor> = {}
  for (const part of partsOf(spec)) {
    const file = parts.get(part)
    if (file === undefined) {
      throw new ModelError(
        { code: 'not-loaded', part: String(part) },
        `the file of ${partName(part)} is missing`,
      )
    }
    for (const [name, { dtype, shape, offset, bytes }] of Object.entries(
      checkPart(spec, part, file),
    )) {
      const key = checkpointName(part, name)
      const data = file.subarray(offset, offset + bytes)
      if (whole[key] !== undefined && !sameBytes(whole[key].data, data)) {
        throw new ModelError(
          { code: 'bad-safetensors' },
          `tensor "${name}" differs between the layers; only their part files can hold such a model`,
        )
      }
      whole[key] = { dtype, shape, data }
    }
  }
  return writeSafetensors(whole)
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

/** Writes the file of one part from its values, keyed as in `shapesOf(spec, part)`. */
export function writePart(
  spec: ModelSpec,
  part: Part,
  values: Readonly<Record<string, Float32Array>>,
  options: Partial<SplitOptions> = {},
): Uint8Array {
  const { dtype } = { ...SPLIT_DEFAULTS, ...options }
  const tensors = Object.entries(shapesOf(spec, part)).map(([name, shape]) => {
    const data = values[name]
    if (data === undefined) failMissing(name, `the values of ${partName(part)}`)
    return [name, { dtype, shape, data: floatBytes(data, dtype, name) }] as const
  })
  return writeSafetensors(Object.fromEntries(tensors))
}

function entryOf(
  tensors: SafetensorsHeader['tensors'],
  name: string,
  shape: readonly number[],
  where: string,
): SafetensorsEntry {
  const entry = Object.hasOwn(tensors, name) ? tensors[name] : undefined
  if (entry === undefined) failMissing(name, where)
  if (entry.shape.join() !== shape.join()) {
    throw new ModelError(
      { code: 'bad-shape', what: name },
      `tensor "${name}" of ${where} has shape [${entry.shape}], the model needs [${shape}]`,
    )
  }
  return entry
}

function failMissing(tensor: string, where: string): never {
  throw new ModelError(
    { code: 'missing-tensor', tensor },
    `tensor "${tensor}" of ${where} is missing`,
  )
}

function failExtra(tensor: string, where: string): never {
  const line = JSON.stringify(tensor.slice(0, 100))
  throw new ModelError(
    { code: 'extra-tensor', tensor },
    `tensor ${line} of ${where} belongs to no model of this variant`,
  )
}

/** The elements of one tensor of a file in the wanted dtype; a view where they have it already. */
function elementBytes(
  file: Uint8Array,
  entry: SafetensorsEntry,
  dtype: SafetensorsDtype,
  name: string,
): Uint8Array {
  if (entry.dtype === dtype) return file.subarray(entry.offset, entry.offset + entry.bytes)
  return floatBytes(tensorValues(file, entry), dtype, name)
}

function floatBytes(values: Float32Array, dtype: SafetensorsDtype, name: string): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  const halves = encodeHalf(values)
  if (!decodeHalf(halves).every(Number.isFinite)) {
    throw new ModelError(
      { code: 'bad-safetensors' },
      `tensor "${name}" has values that float16 cannot hold; keep it in float32`,
    )
  }
  return new Uint8Array(halves.buffer)
}
