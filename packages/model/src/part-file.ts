import { ModelError } from './errors.ts'
import { decodeHalf, encodeHalf } from './half.ts'
import { partName } from './part-input.ts'
import { dequantizeRows, type QuantizedDtype, quantizedBytes, quantizeRows } from './quantized.ts'
import {
  floatOnly,
  readSafetensors,
  type SafetensorsDtype,
  type SafetensorsEntry,
  type SafetensorsTensor,
  tensorValues,
  writeSafetensors,
} from './safetensors.ts'
import { checkpointName, type ModelSpec, type Part, partsOf, shapesOf } from './spec.ts'
import { failSafetensors, readStoredTensors, type StoredEntry } from './stored-tensors.ts'
import { elementsOf } from './tensor.ts'

/** A matrix of small whole numbers, and the scale of each of its rows. */
export interface QuantizedEntry {
  readonly dtype: QuantizedDtype
  /** (rows, columns) of what it stands for. */
  readonly shape: readonly number[]
  /** Bytes from the start of the file. */
  readonly offset: number
  /** Size of its values, scales apart. */
  readonly bytes: number
  /** F32 of shape [rows]. */
  readonly scales: SafetensorsEntry
}

/** Where the tensors of one part lie in its file, by the names of `shapesOf(spec, part)`. */
export type PartTensors = Readonly<Record<string, SafetensorsEntry | QuantizedEntry>>

/** How the file of a part stores its values. */
export type PartDtype = SafetensorsDtype | QuantizedDtype

/** How a checkpoint is split into part files. */
export interface SplitOptions {
  /** How the part files store their values. F16 halves them and rounds each weight to 11 bits. */
  readonly dtype: SafetensorsDtype
}

/** How the values of one part are written. */
export interface PartOptions {
  /** I8 and I4 are for the matrices of a layer; what is no matrix of weights is F16 there. */
  readonly dtype: PartDtype
}

/** Part files of float32, which lose nothing. */
export const SPLIT_DEFAULTS: SplitOptions = Object.freeze({ dtype: 'F32' })

/** Tensors of a Hugging Face checkpoint that a classifier does not use. */
const UNUSED = /^vit\.pooler\./

/** The tensor that holds the scales of a quantised one. */
const SCALES = '.scale'

/** The matrices that layers multiply with; the hop embedding is looked up, and small. */
function isQuantizable(name: string, shape: readonly number[]): boolean {
  return shape.length === 2 && name.endsWith('.weight') && name !== 'embedding.weight'
}

/**
 * Checks that a file holds exactly the tensors of one part in their right shapes: F32 or F16, and in a layer's file
 * quantised matrices, I8 in their shape or I4 packed into U8 of one dimension, each with its scales under its own name
 * and `.scale`.
 * @throws ModelError `bad-safetensors`, `missing-tensor`, `extra-tensor` or `bad-shape`.
 */
export function checkPart(spec: ModelSpec, part: Part, file: Uint8Array): PartTensors {
  const { tensors } = readStoredTensors(file)
  const where = partName(part)
  const names = new Set<string>()
  const entries = Object.entries(shapesOf(spec, part)).map(([name, shape]) => {
    names.add(name)
    const stored = Object.hasOwn(tensors, name) ? tensors[name] : undefined
    const dtype = quantizedAs(part, name, shape, stored)
    if (stored === undefined || dtype === undefined) {
      return [name, floatEntry(tensors, name, shape, where)] as const
    }
    const scaleName = `${name}${SCALES}`
    names.add(scaleName)
    const scales = floatEntry(tensors, scaleName, shape.slice(0, 1), where)
    if (scales.dtype !== 'F32') failSafetensors(`tensor "${scaleName}" must be F32`)
    checkQuantized(stored, name, shape, dtype, where)
    return [name, { ...stored, dtype, shape, scales }] as const
  })
  for (const name of Object.keys(tensors)) if (!names.has(name)) failExtra(name, where)
  return Object.fromEntries(entries)
}

function quantizedAs(
  part: Part,
  name: string,
  shape: readonly number[],
  stored: StoredEntry | undefined,
): QuantizedDtype | undefined {
  if (typeof part !== 'number' || !isQuantizable(name, shape)) return undefined
  if (stored?.dtype === 'I8') return 'I8'
  return stored?.dtype === 'U8' ? 'I4' : undefined
}

function checkQuantized(
  { shape, bytes }: StoredEntry,
  name: string,
  wanted: readonly number[],
  dtype: QuantizedDtype,
  where: string,
): void {
  const needed = quantizedBytes(elementsOf(wanted), dtype)
  checkShape(name, shape, dtype === 'I8' ? wanted : [needed], where)
  if (bytes !== needed) {
    failSafetensors(`tensor "${name}" of ${where} needs ${needed} bytes, its range has ${bytes}`)
  }
}

/** The values of every tensor of a checked part. */
export function partValues(
  spec: ModelSpec,
  part: Part,
  file: Uint8Array,
): Readonly<Record<string, Float32Array>> {
  const entries = Object.entries(checkPart(spec, part, file))
  return Object.fromEntries(entries.map(([name, entry]) => [name, entryValues(file, entry)]))
}

function entryValues(file: Uint8Array, entry: SafetensorsEntry | QuantizedEntry): Float32Array {
  if (!('scales' in entry)) return tensorValues(file, entry)
  const { dtype, offset, bytes, shape, scales } = entry
  const data = file.subarray(offset, offset + bytes)
  const [, columns = 1] = shape
  return dequantizeRows({ data, scales: tensorValues(file, scales) }, columns, dtype)
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
      const entry = floatEntry(tensors, whole, shape, 'the checkpoint')
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
    for (const [name, entry] of Object.entries(checkPart(spec, part, file))) {
      const key = checkpointName(part, name)
      const { dtype, shape, data } = floatTensor(file, entry)
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

/** A tensor of a part as a checkpoint stores it: as it is, and F32 where it was quantised. */
function floatTensor(
  file: Uint8Array,
  entry: SafetensorsEntry | QuantizedEntry,
): SafetensorsTensor {
  const { shape, offset, bytes } = entry
  if (!('scales' in entry)) {
    return { dtype: entry.dtype, shape, data: file.subarray(offset, offset + bytes) }
  }
  return { dtype: 'F32', shape, data: new Uint8Array(entryValues(file, entry).buffer) }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

/**
 * Writes the file of one part from its values, keyed as in `shapesOf(spec, part)`.
 * @throws ModelError `missing-tensor`; `bad-safetensors` for values that float16 cannot hold.
 */
export function writePart(
  spec: ModelSpec,
  part: Part,
  values: Readonly<Record<string, Float32Array>>,
  options: Partial<PartOptions> = {},
): Uint8Array {
  const { dtype } = { ...SPLIT_DEFAULTS, ...options }
  const tensors = Object.entries(shapesOf(spec, part)).flatMap(([name, shape]) => {
    const data = values[name]
    if (data === undefined) failMissing(name, `the values of ${partName(part)}`)
    if (dtype === 'F32' || dtype === 'F16') return [floatEntryOf(name, shape, data, dtype)]
    if (typeof part === 'number' && isQuantizable(name, shape)) {
      return quantizedEntriesOf(name, shape, data, dtype)
    }
    return [floatEntryOf(name, shape, data, 'F16')]
  })
  return writeSafetensors(Object.fromEntries(tensors))
}

/** The file of one part in another dtype. @throws as `checkPart` and `writePart`. */
export function recodePart(
  spec: ModelSpec,
  part: Part,
  file: Uint8Array,
  dtype: PartDtype,
): Uint8Array {
  return writePart(spec, part, partValues(spec, part, file), { dtype })
}

type NamedTensor = readonly [string, SafetensorsTensor]

function floatEntryOf(
  name: string,
  shape: readonly number[],
  values: Float32Array,
  dtype: SafetensorsDtype,
): NamedTensor {
  return [name, { dtype, shape, data: floatBytes(values, dtype, name) }]
}

function quantizedEntriesOf(
  name: string,
  shape: readonly number[],
  values: Float32Array,
  dtype: QuantizedDtype,
): NamedTensor[] {
  const [rows = 1] = shape
  const { data, scales } = quantizeRows(values, rows, dtype)
  const stored =
    dtype === 'I8'
      ? ({ dtype: 'I8', shape, data } as const)
      : ({ dtype: 'U8', shape: [data.length], data } as const)
  return [[name, stored], floatEntryOf(`${name}${SCALES}`, [rows], scales, 'F32')]
}

/** A tensor of F32 or F16 in its right shape. */
function floatEntry(
  tensors: Readonly<Record<string, StoredEntry>>,
  name: string,
  shape: readonly number[],
  where: string,
): SafetensorsEntry {
  const entry = Object.hasOwn(tensors, name) ? tensors[name] : undefined
  if (entry === undefined) failMissing(name, where)
  checkShape(name, entry.shape, shape, where)
  return floatOnly(entry, name)
}

function checkShape(
  name: string,
  shape: readonly number[],
  wanted: readonly number[],
  where: string,
): void {
  if (shape.join() === wanted.join()) return
  throw new ModelError(
    { code: 'bad-shape', what: name },
    `tensor "${name}" of ${where} has shape [${shape}], the model needs [${wanted}]`,
  )
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
