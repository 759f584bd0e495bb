import { readFile } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import compressible from 'compressible'
import Negotiator from 'negotiator'
import {
  BROTLI_QUALITY,
  COMPRESS_BYTES_MAX,
  COMPRESS_BYTES_MIN,
  COMPRESSED_CACHE_BYTES_MAX,
} from '../limits.ts'

/** A content encoding, by its name in HTTP (RFC 9110, 8.4.1). */
export type Encoding = 'br' | 'gzip'

/** Files compressed once and kept in memory; the longest unused make room. */
export interface CompressionCache {
  /** @param version changes whenever the file does. */
  read(path: string, version: string, encoding: Encoding): Promise<Buffer>
  readonly bytes: number
}

/** The encoding for an answer (RFC 9110, 12.5.3), or undefined to send it as it is. */
export function chooseEncoding(
  headers: IncomingHttpHeaders,
  contentType: string,
  bytes: number,
): Encoding | undefined {
  if (compressible(contentType) !== true) return undefined
  if (bytes < COMPRESS_BYTES_MIN || bytes > COMPRESS_BYTES_MAX) return undefined
  const accepted = new Negotiator({ headers }).encodings(['br', 'gzip'])
  return (['br', 'gzip'] as const).find((encoding) => accepted.includes(encoding))
}

/** An empty cache. @param bytesMax compressed bytes kept at most. */
export function createCompressionCache(bytesMax = COMPRESSED_CACHE_BYTES_MAX): CompressionCache {
  const entries = new Map<string, { compressed: Promise<Buffer>; bytes: number }>()
  let total = 0

  function makeRoom(): void {
    for (const [key, { bytes }] of entries) {
      if (total <= bytesMax) return
      entries.delete(key)
      total -= bytes
    }
  }

  function add(key: string, path: string, encoding: Encoding): Promise<Buffer> {
    const entry = { compressed: compressFile(path, encoding), bytes: 0 }
    entries.set(key, entry)
    entry.compressed.then(
      ({ length }) => {
        if (entries.get(key) !== entry) return
        entry.bytes = length
        total += length
        makeRoom()
      },
      () => entries.delete(key),
    )
    return entry.compressed
  }

  return {
    read(path, version, encoding) {
      const key = `${encoding} ${version} ${path}`
      const known = entries.get(key)
      if (known === undefined) return add(key, path, encoding)
      entries.delete(key)
      entries.set(key, known)
      return known.compressed
    },
    get bytes() {
      return total
    },
  }
}

async function compressFile(path: string, encoding: Encoding): Promise<Buffer> {
  const bytes = await readFile(path)
  if (encoding === 'gzip') return promisify(gzip)(bytes)
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  }
  return promisify(brotliCompress)(bytes, { params })
}
