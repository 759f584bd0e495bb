import { ModelError } from './errors.ts'
import { decodeHalf } from './half.ts'
import { SAFETENSORS_HEADER_BYTES_MAX, TENSOR_RANK_DIMENSIONS_MAX } from './limits.ts'
import { elementsOf } from './tensor.ts'
import { utf8Decode, utf8Encode } from './text.ts'

/** The element types that this package reads; bytes per element. */
const ELEMENT_BYTES = { F32: 4, F16: 2 } as const

/** An element type by its name in the safetensors format. */
export type SafetensorsDtype = keyof typeof ELEMENT_BYTES

/** Where one tensor lies in its file. */
export interface SafetensorsEntry {
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  /** Bytes from the start of the file. */
  readonly offset: number
  /** Size of its values. */
  readonly bytes: number
}

/** The checked header of a safetensors file. */
export interface SafetensorsHeader {
  readonly tensors: Readonly<Record<string, SafetensorsEntry>>
  readonly metadata: Readonly<Record<string, string>>
}

/** One tensor to be written: `data` holds little-endian elements, row-major. */
export interface SafetensorsTensor {
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

function fail(message: string): never {
  throw new ModelError({ code: 'bad-safetensors' }, `safetensors file: ${message}`)
}

/**
 * Reads and checks the header of a safetensors file: its length, its JSON, and that the tensors
 * fill the rest of the file exactly, without overlap or gap. Copies no tensor.
 * Format: https://huggingface.co/docs/safetensors. @throws ModelError `bad-safetensors`.
 */
export function readSafetensors(file: Uint8Array): SafetensorsHeader {
  if (file.length < 8) fail(`${file.length} bytes are too few; it is cut off or not safetensors`)
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const low = view.getUint32(0, true)
  if (view.getUint32(4, true) !== 0 || low > SAFETENSORS_HEADER_BYTES_MAX || low < 2) {
    fail(`its header length is not 2 to ${SAFETENSORS_HEADER_BYTES_MAX} bytes; it is damaged`)
  }
  const start = 8 + low
  if (start > file.length) fail(`it ends inside its header of ${low} bytes; it is cut off`)
  const { __metadata__: metadata, ...entries } = parseHeader(file.subarray(8, start))
  const tensors = Object.entries(entries).map(
    ([name, entry]) => [name, parseEntry(name, entry, start)] as const,
  )
  checkLayout(tensors, start, file.length)
  return { tensors: Object.fromEntries(tensors), metadata: parseMetadata(metadata) }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown
  try {
    header = JSON.parse(utf8Decode(bytes))
  } catch {
    fail('its header is not JSON; it is damaged')
  }
  if (!isRecord(header)) fail('its header is not a JSON object; it is damaged')
  return header
}

function parseMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {}
  if (!isRecord(value)) fail('its "__metadata__" is not an object')
  const pairs = Object.entries(value).map(([key, text]): [string, string] => {
    if (typeof text !== 'string') fail(`its metadata "${printable(key)}" is not a text`)
    return [key, text]
  })
  return Object.fromEntries(pairs)
}

/** A name as it may stand in a message of one line. */
function printable(name: string): string {
  const line = JSON.stringify(name).slice(1, -1)
  return line.length <= 80 ? line : `${line.slice(0, 80)}…`
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function parseEntry(rawName: string, value: unknown, start: number): SafetensorsEntry {
  const name = printable(rawName)
  if (!isRecord(value)) fail(`tensor "${name}" is not described by an object`)
  const { dtype, shape, data_offsets: range } = value
  if (dtype !== 'F32' && dtype !== 'F16') {
    const named = typeof dtype === 'string' ? printable(dtype) : `of the type ${typeof dtype}`
    fail(`tensor "${name}" has dtype ${named}; only F32 and F16 can be read`)
  }
  if (!Array.isArray(shape) || shape.length > TENSOR_RANK_DIMENSIONS_MAX || !shape.every(isSize)) {
    fail(`tensor "${name}" has no valid shape`)
  }
  const [begin, end, ...rest] = Array.isArray(range) ? range : []
  if (!isSize(begin) || !isSize(end) || rest.length > 0 || end < begin) {
    fail(`tensor "${name}" has no valid "data_offsets"`)
  }
  const bytes = elementsOf(shape) * ELEMENT_BYTES[dtype]
  if (end - begin !== bytes) {
    fail(`tensor "${name}" of shape [${shape}] needs ${bytes} bytes, its range has ${end - begin}`)
  }
  return { dtype, shape, offset: start + begin, bytes }
}

/** Every byte behind the header belongs to exactly one tensor. */
function checkLayout(
  tensors: readonly (readonly [string, SafetensorsEntry])[],
  start: number,
  fileBytes: number,
): void {
  const sorted = tensors.toSorted(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes)
  let end = start
  for (const [name, { offset, bytes }] of sorted) {
    if (offset < end) fail(`tensor "${printable(name)}" overlaps another`)
    if (offset > end) fail(`${offset - end} bytes before tensor "${printable(name)}" are unused`)
    end = offset + bytes
  }
  if (end > fileBytes) fail(`it needs ${end} bytes and has ${fileBytes}; it is cut off`)
  if (end < fileBytes) fail(`${fileBytes - end} bytes follow its last tensor`)
}

/**
 * Writes a safetensors file. The same tensors and metadata give the same bytes in whatever order
 * they come: F32 before F16, so that every tensor is aligned to its elements, then by name.
 * @throws ModelError `bad-safetensors` when a tensor's data does not fit its shape.
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, SafetensorsTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const sorted = Object.entries(tensors).toSorted(
    ([a, { dtype: x }], [b, { dtype: y }]) =>
      ELEMENT_BYTES[y] - ELEMENT_BYTES[x] || (a < b ? -1 : 1),
  )
  const keys = Object.keys(metadata).toSorted()
  const header: [string, unknown][] = []
  if (keys.length > 0) {
    header.push(['__metadata__', Object.fromEntries(keys.map((key) => [key, metadata[key]]))])
  }
  let end = 0
  for (const [name, { dtype, shape, data }] of sorted) {
    if (data.length !== elementsOf(shape) * ELEMENT_BYTES[dtype]) {
      fail(`tensor "${printable(name)}" of shape [${shape}] does not have ${data.length} bytes`)
    }
    header.push([name, { dtype, shape, data_offsets: [end, end + data.length] }])
    end += data.length
  }
  const json = utf8Encode(JSON.stringify(Object.fromEntries(header)))
  const headerBytes = Math.ceil(json.length / 8) * 8
  const file = new Uint8Array(8 + headerBytes + end)
  new DataView(file.buffer).setUint32(0, headerBytes, true)
  file.fill(0x20, 8, 8 + headerBytes)
  file.set(json, 8)
  let offset = 8 + headerBytes
  for (const [, { data }] of sorted) {
    file.set(data, offset)
    offset += data.length
  }
  return file
}

/**
 * The values of one tensor as float32. Views the file where it can (F32, aligned in memory),
 * copies otherwise: do not write into the result.
 */
export function tensorValues(file: Uint8Array, entry: SafetensorsEntry): Float32Array {
  const elements = entry.bytes / ELEMENT_BYTES[entry.dtype]
  const aligned = (file.byteOffset + entry.offset) % ELEMENT_BYTES[entry.dtype] === 0
  const { buffer, byteOffset } = aligned
    ? { buffer: file.buffer, byteOffset: file.byteOffset + entry.offset }
    : { buffer: file.slice(entry.offset, entry.offset + entry.bytes).buffer, byteOffset: 0 }
  return entry.dtype === 'F32'
    ? new Float32Array(buffer, byteOffset, elements)
    : decodeHalf(new Uint16Array(buffer, byteOffset, elements))
}
