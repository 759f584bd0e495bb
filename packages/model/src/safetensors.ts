import { decodeHalf } from './half.ts'
import {
  failSafetensors,
  printable,
  readStoredTensors,
  type StoredEntry,
} from './stored-tensors.ts'
import { elementsOf } from './tensor.ts'
import { utf8Encode } from './text.ts'

/** The element types that are written; bytes per element. */
const ELEMENT_BYTES = { F32: 4, F16: 2, I8: 1, U8: 1 } as const

/** An element type of numbers with a fraction, by its name in the safetensors format. */
export type SafetensorsDtype = 'F32' | 'F16'

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
  readonly dtype: keyof typeof ELEMENT_BYTES
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

/**
 * Reads and checks the header of a safetensors file whose tensors are all F32 or F16, as
 * `readStoredTensors` does. Copies no tensor.
 * Format: https://huggingface.co/docs/safetensors. @throws ModelError `bad-safetensors`.
 */
export function readSafetensors(file: Uint8Array): SafetensorsHeader {
  const { tensors, metadata } = readStoredTensors(file)
  const entries = Object.entries(tensors).map(([name, entry]): [string, SafetensorsEntry] => [
    name,
    floatOnly(entry, name),
  ])
  return { tensors: Object.fromEntries(entries), metadata }
}

/** A tensor that is F32 or F16. @throws ModelError `bad-safetensors`. */
export function floatOnly(entry: StoredEntry, name: string): SafetensorsEntry {
  const { dtype } = entry
  if (dtype !== 'F32' && dtype !== 'F16') {
    failSafetensors(
      `tensor "${printable(name)}" has dtype ${printable(dtype)}; only F32 and F16 can be read`,
    )
  }
  return { ...entry, dtype }
}

/**
 * Writes a safetensors file. The same tensors and metadata give the same bytes in whatever order
 * they come: the widest elements first, so that every tensor is aligned to its elements, then by name.
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
      failSafetensors(
        `tensor "${printable(name)}" of shape [${shape}] does not have ${data.length} bytes`,
      )
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
    : {
        buffer: new Uint8Array(file.subarray(entry.offset, entry.offset + entry.bytes)).buffer,
        byteOffset: 0,
      }
  return entry.dtype === 'F32'
    ? new Float32Array(buffer, byteOffset, elements)
    : decodeHalf(new Uint16Array(buffer, byteOffset, elements))
}
