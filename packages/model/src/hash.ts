import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { ModelError } from './errors.ts'

/** A SHA-256 digest in 64 lower-case hex digits. */
export type Sha256 = string & { readonly __brand: 'Sha256' }

/** The SHA-256 digest of some bytes. */
export function sha256(bytes: Uint8Array): Sha256 {
  return bytesToHex(nobleSha256(bytes)) as Sha256
}

/** Whether a value from outside is a digest as `sha256` writes it: 64 lower-case hex digits. */
export function isSha256(value: unknown): value is Sha256 {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

/** @throws ModelError `bad-hash` unless the value is 64 lower-case hex digits. */
export function parseSha256(value: unknown): Sha256 {
  if (!isSha256(value)) {
    throw new ModelError({ code: 'bad-hash' }, 'a SHA-256 hash is 64 lower-case hex digits')
  }
  return value
}

/** @throws ModelError `wrong-hash` unless the bytes have that digest. */
export function checkSha256(bytes: Uint8Array, expected: Sha256, what: string): void {
  const actual = sha256(bytes)
  if (actual !== expected) {
    throw new ModelError(
      { code: 'wrong-hash', expected, actual },
      `${what} has hash ${actual}, not ${expected}; it is damaged or not the right file`,
    )
  }
}
