import { createHash } from 'node:crypto'
import { parseSha256, type Sha256 } from '@layerswarm/model'
import { HASHED_AT_ONCE_BYTES_MAX } from '../limits.ts'

/** Whether signatures are checked by the platform: by OpenSSL. */
export const checksSignatures = Promise.resolve(true)

/**
 * SHA-256 by OpenSSL: of a tensor on the calling thread, which takes less than the way to another and
 * back (6 KiB: 4 µs against 22, 294 KiB: 0.19 ms against 0.26); of a layer file on another.
 */
export async function hashOf(bytes: Uint8Array): Promise<Sha256> {
  if (bytes.length <= HASHED_AT_ONCE_BYTES_MAX)
    return parseSha256(createHash('sha256').update(bytes).digest('hex'))
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return parseSha256(Buffer.from(digest).toString('hex'))
}
