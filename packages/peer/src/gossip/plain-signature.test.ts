import { createHash, randomBytes } from 'node:crypto'
import type { PeerId, Signature } from '@layerswarm/swarm'
import { peerIdOfKey } from '@layerswarm/swarm'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { ed25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { hexText } from '../streams/hex.ts'
import { hasPlainPoints } from './plain-signature.ts'
import { signing } from './signatures.ts'

const { BASE } = ed25519.Point
/** Of order 8. */
const TORSION = ed25519.Point.fromHex(
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
)
const { ORDER } = ed25519.Point.Fn
const MESSAGE = new TextEncoder().encode('a link')

const numberOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
const bytesOf = (value: bigint) =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse())
const scalar = () => (numberOf(randomBytes(32)) % (ORDER - 1n)) + 1n

/** A signature whose equation holds when both sides are multiplied by 8, with a part of small order where it is said. */
function signed(parts: { key?: boolean; nonce?: boolean }) {
  const secret = scalar()
  const nonce = scalar()
  const point = (of: bigint, isTwisted = false) =>
    (isTwisted ? BASE.multiply(of).add(TORSION) : BASE.multiply(of)).toBytes()
  const key = point(secret, parts.key)
  const r = point(nonce, parts.nonce)
  const hash = createHash('sha512').update(r).update(key).update(MESSAGE).digest()
  const s = bytesOf((nonce + (numberOf(hash) % ORDER) * secret) % ORDER)
  return { key, signature: Uint8Array.of(...r, ...s) }
}

describe('a signature that platforms judge differently', () => {
  test.each([
    ['its key', { key: true }],
    ['its point', { nonce: true }],
  ])('because %s has a part of small order is not plain', (_, parts) => {
    const { key, signature } = signed(parts)
    expect(ed25519.verify(signature, MESSAGE, key)).toBe(true)
    expect(hasPlainPoints(key, signature)).toBe(false)
  })

  test('is not every other one', () => {
    const { key, signature } = signed({})
    expect(ed25519.verify(signature, MESSAGE, key)).toBe(true)
    expect(hasPlainPoints(key, signature)).toBe(true)
    expect(hasPlainPoints(key, signature)).toBe(true)
  })

  test('because its points are none is not plain', () => {
    expect(hasPlainPoints(new Uint8Array(32).fill(255), new Uint8Array(64).fill(255))).toBe(false)
  })
})

test('nobody signs for a key of small order, which anybody could', async () => {
  const { verify } = signing(await generateKeyPair('Ed25519'))
  const one = Uint8Array.of(1, ...new Uint8Array(31))
  const signature = hexText(Uint8Array.of(...one, ...new Uint8Array(32))) as Signature
  const statement = { by: peerIdOfKey(one) as PeerId, bytes: MESSAGE, signature }
  expect(await new Promise((answer) => verify([statement], answer))).toBe(false)
})
