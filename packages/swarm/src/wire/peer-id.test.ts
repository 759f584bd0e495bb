import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SwarmError } from '../errors.ts'
import { Reader, Writer } from './codec.ts'
import { peerId, peerIdOfKey, peerIdOfMultihash } from './peer-id.ts'

const field = peerId<string>(64)

function bytesOf(id: string): Uint8Array {
  const out = new Writer()
  field.write(out, id)
  return out.finish()
}

describe('a peer id on the wire', () => {
  test('of an Ed25519 key is the key, and comes back as the id', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        const id = peerIdOfKey(key)
        expect(id).toMatch(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/)
        const bytes = bytesOf(id)
        expect(bytes).toHaveLength(33)
        expect(bytes.subarray(1)).toEqual(key)
        expect(field.read(new Reader(bytes))).toBe(id)
        const multihash = Uint8Array.from([0x00, 0x24, 0x08, 0x01, 0x12, 0x20, ...key])
        expect(peerIdOfMultihash(multihash)).toBe(id)
        expect(peerIdOfMultihash(multihash.subarray(1))).toBeUndefined()
      }),
    )
  })

  // The example of libp2p's specification of peer ids, section "Ed25519 keys".
  test('is the one that libp2p gives a key', () => {
    const hex = '1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e'
    const key = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
    expect(peerIdOfKey(key)).toBe('12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq')
  })

  test('of any other kind is its text', () => {
    for (const id of [
      'anna',
      'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
      `1${'z'.repeat(51)}`,
    ])
      expect(field.read(new Reader(bytesOf(id)))).toBe(id)
  })

  test('in damaged bytes is refused', () => {
    for (const bytes of [[], [2], [1, 5], [0, 200, 0, 65]])
      expect(() => field.read(new Reader(Uint8Array.from(bytes)))).toThrow(SwarmError)
  })
})
