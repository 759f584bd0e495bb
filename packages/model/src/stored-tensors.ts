import { ModelError } from './errors.ts'
import { foreignFile } from './foreign-file.ts'
import { decodeHalf } from './half.ts'
import { SAFETENSORS_HEADER_BYTES_MAX, TENSOR_RANK_DIMENSIONS_MAX } from './limits.ts'
import { elementsOf } from './tensor.ts'
import { utf8Decode } from './text.ts'

/** Bytes per element of the types whose values are numbers that a model can use. */
const VALUE_BYTES: Readonly<Record<string, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2 }

/** Where one tensor of any element type lies in its file. */
export interface StoredEntry {
  /** Its type by the name that the safetensors format gives it, as "BF16" or "I64". */
  readonly dtype: string
  readonly shape: readonly number[]
  /** Bytes from the start of the file. */
  readonly offset: number
  /** Size of its values. */
  readonly bytes: number
}

/** The header of a safetensors file, whatever the types of its tensors. */
export interface StoredTensors {
  readonly tensors: Readonly<Record<string, StoredEntry>>
  readonly metadata: Readonly<Record<string, string>>
}

/** @throws ModelError `bad-safetensors`. */
export function failSafetensors(message: string): never {
  throw new ModelError({ code: 'bad-safetensors' }, `safetensors file: ${message}`)
}

/**
 * Reads and checks the header of a safetensors file: its length, its JSON, and that the tensors
 * fill the rest of the file exactly, without overlap or gap. Copies no tensor, and takes any type
 * of element: whether values can be used is asked where they are.
 * Format: https://huggingface.co/docs/safetensors. @throws ModelError `bad-safetensors`.
 */
export function readStoredTensors(file: Uint8Array): StoredTensors {
  if (file.length === 0) failSafetensors('it is empty; copy or download it again')
  if (file.length < 8) {
    failSafetensors(
      `${file.length} bytes are too few; it is cut off or not safetensors; copy or download it again`,
    )
  }
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const low = view.getUint32(0, true)
  if (view.getUint32(4, true) !== 0 || low > SAFETENSORS_HEADER_BYTES_MAX || low < 2) {
    failUnlessForeign(
      file,
      `its header length is not 2 to ${SAFETENSORS_HEADER_BYTES_MAX} bytes; it is damaged`,
    )
  }
  const start = 8 + low
  if (start > file.length)
    failUnlessForeign(file, `it ends inside its header of ${low} bytes; it is cut off`)
  const { __metadata__: metadata, ...entries } = parseHeader(file, start)
  const tensors = Object.entries(entries).map(
    ([name, entry]) => [name, parseEntry(name, entry, start)] as const,
  )
  checkLayout(tensors, start, file.length)
  return { tensors: Object.fromEntries(tensors), metadata: parseMetadata(metadata) }
}

/**
 * Asked only of what is wrong: a header may well be as long as the first bytes of a pickle say, and
 * begins with a brace then.
 */
function failUnlessForeign(file: Uint8Array, message: string): never {
  const foreign = file[8] === '{'.charCodeAt(0) ? undefined : foreignFile(file)
  return failSafetensors(foreign === undefined ? message : `it is ${foreign}`)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseHeader(file: Uint8Array, end: number): Record<string, unknown> {
  let header: unknown
  try {
    header = JSON.parse(utf8Decode(file.subarray(8, end)))
  } catch {
    failUnlessForeign(file, 'its header is not JSON; it is damaged')
  }
  if (!isRecord(header)) failSafetensors('its header is not a JSON object; it is damaged')
  return header
}

function parseMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {}
  if (!isRecord(value)) failSafetensors('its "__metadata__" is not an object')
  const pairs = Object.entries(value).map(([key, text]): [string, string] => {
    if (typeof text !== 'string') failSafetensors(`its metadata "${printable(key)}" is not a text`)
    return [key, text]
  })
  return Object.fromEntries(pairs)
}

/** A name as it may stand in a message of one line. */
export function printable(name: string): string {
  const line = JSON.stringify(name).slice(1, -1)
  return line.length <= 80 ? line : `${line.slice(0, 80)}…`
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function parseEntry(rawName: string, value: unknown, start: number): StoredEntry {
  const name = printable(rawName)
  if (!isRecord(value)) failSafetensors(`tensor "${name}" is not described by an object`)
  const { dtype, shape, data_offsets: range } = value
  if (typeof dtype !== 'string') {
    failSafetensors(`tensor "${name}" has dtype of the type ${typeof dtype}, which is no name`)
  }
  if (!Array.isArray(shape) || shape.length > TENSOR_RANK_DIMENSIONS_MAX || !shape.every(isSize)) {
    failSafetensors(`tensor "${name}" has no valid shape`)
  }
  const [begin, end, ...rest] = Array.isArray(range) ? range : []
  if (!isSize(begin) || !isSize(end) || rest.length > 0 || end < begin) {
    failSafetensors(`tensor "${name}" has no valid "data_offsets"`)
  }
  const bytes = end - begin
  const needed = elementsOf(shape) * (VALUE_BYTES[dtype] ?? Number.NaN)
  if (Object.hasOwn(VALUE_BYTES, dtype) && bytes !== needed) {
    failSafetensors(
      `tensor "${name}" of shape [${shape}] needs ${needed} bytes, its range has ${bytes}`,
    )
  }
  return { dtype, shape, offset: start + begin, bytes }
}

/** Every byte behind the header belongs to exactly one tensor. */
function checkLayout(
  tensors: readonly (readonly [string, StoredEntry])[],
  start: number,
  fileBytes: number,
): void {
  const sorted = tensors.toSorted(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes)
  let end = start
  for (const [name, { offset, bytes }] of sorted) {
    if (offset < end) failSafetensors(`tensor "${printable(name)}" overlaps another`)
    if (offset > end)
      failSafetensors(`${offset - end} bytes before tensor "${printable(name)}" are unused`)
    end = offset + bytes
  }
  if (end > fileBytes) failSafetensors(`it needs ${end} bytes and has ${fileBytes}; it is cut off`)
  if (end < fileBytes) failSafetensors(`${fileBytes - end} bytes follow its last tensor`)
}

/**
 * The values of one tensor as float32, rounded where they had more bits.
 * @throws ModelError `bad-safetensors` naming the tensor and its type when they are no such numbers.
 */
export function storedValues(file: Uint8Array, entry: StoredEntry, name: string): Float32Array {
  const { dtype, offset, bytes } = entry
  // A copy is aligned, whatever the offset in the file. Not `slice`, which copies nothing of a Buffer.
  const { buffer } = new Uint8Array(file.subarray(offset, offset + bytes))
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer)
    case 'F64':
      return Float32Array.from(new Float64Array(buffer))
    case 'F16':
      return decodeHalf(new Uint16Array(buffer))
    case 'BF16':
      return decodeBrainFloat(new Uint16Array(buffer))
    default:
      return failSafetensors(
        `tensor "${printable(name)}" has dtype ${printable(dtype)}; F32, F16, BF16 and F64 can be read`,
      )
  }
}

/** bfloat16 is the upper half of float32: https://en.wikipedia.org/wiki/Bfloat16_floating-point_format */
function decodeBrainFloat(upper: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(upper, (bits) => bits * 0x10000).buffer)
}
