import { ED25519_KEY_BYTES, PEERS_MAX } from '@layerswarm/swarm'
import { ed25519 } from '@noble/curves/ed25519.js'
import { checksSignatures } from '#digest'

/** Whether the platform checks them; believed until it is known, which takes a moment. */
let isOwn = true
checksSignatures.then(
  (own) => {
    isOwn = own
  },
  () => undefined,
)

/** Keys and whether they are plain: every message of an author asks again. */
const keys = new Map<string, boolean>()

/**
 * Whether a signature is judged alike on all platforms. Where libp2p checks in JavaScript it multiplies the equation by
 * the cofactor and lets through points with a part of small order, which Web Crypto and OpenSSL do not (RFC 8032, 5.1.7):
 * there, key and signature may have none. An honest one never has.
 * @param author the bytes of a peer id of a sound Ed25519 key.
 */
export function isPlain(author: Uint8Array, signature: Uint8Array): boolean {
  return isOwn || hasPlainPoints(author, signature)
}

/** The same, wherever it is checked: the points of key and signature have prime order. */
export function hasPlainPoints(author: Uint8Array, signature: Uint8Array): boolean {
  // The id of an Ed25519 key ends with that key; a signature begins with a point of as many bytes.
  const key = author.subarray(-ED25519_KEY_BYTES)
  return isKnownPlain(key) && isOfPrimeOrder(signature.subarray(0, ED25519_KEY_BYTES))
}

function isKnownPlain(key: Uint8Array): boolean {
  const name = String.fromCharCode(...key)
  const known = keys.get(name)
  if (known !== undefined) return known
  if (keys.size >= PEERS_MAX) keys.clear()
  const found = isOfPrimeOrder(key)
  keys.set(name, found)
  return found
}

function isOfPrimeOrder(point: Uint8Array): boolean {
  try {
    return ed25519.Point.fromBytes(point).isTorsionFree()
  } catch {
    return false
  }
}
