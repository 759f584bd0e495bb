import { ED25519_P } from './limits.ts'

/** The y of the points whose order divides 8: of order 4, 1 and 2, and two of 8. */
const SMALL_ORDER: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  ED25519_P - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  55188659117513257062467267217118295137698188065244968500265048394206261417927n,
])

/**
 * Whether every platform judges the signatures of an Ed25519 key (32 bytes) alike, as those of every key that was drawn.
 * A key is the y of a point, 255 bits little-endian, and a sign. Some platforms take a y of p and more, others none; and
 * where the point has small order anybody can sign in the key's name (RFC 8032, 5.1.3 and 8; Chalkias et al.,
 * "Taming the Many EdDSAs", 2020).
 */
export function isSoundKey(key: Uint8Array): boolean {
  let y = 0n
  for (let at = key.length - 1; at >= 0; at--) y = (y << 8n) | BigInt(key[at] as number)
  y &= (1n << 255n) - 1n
  return y < ED25519_P && !SMALL_ORDER.has(y)
}
