import { createPrivateKey, sign } from 'node:crypto'
import type { Ed25519PrivateKey } from '@libp2p/interface'

/**
 * The same key, signing with a key object that is made once. libp2p makes one from JSON for every
 * signature, which takes as long as the signature itself (75 of 155 µs), and every gossip message
 * is signed.
 */
export function withPreparedSigning(privateKey: Ed25519PrivateKey): Ed25519PrivateKey {
  const key = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'OKP',
      crv: 'Ed25519',
      d: Buffer.from(privateKey.raw.subarray(0, 32)).toString('base64url'),
      x: Buffer.from(privateKey.publicKey.raw).toString('base64url'),
    },
  })
  return Object.assign(Object.create(privateKey), {
    sign: (data: Uint8Array | { subarray(): Uint8Array }) =>
      sign(null, data instanceof Uint8Array ? data : data.subarray(), key),
  })
}
