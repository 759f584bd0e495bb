import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SwarmError } from '../errors.ts'
import { Reader } from './codec.ts'
import { isEd25519Id, peerId, peerIdOfKey, peerIdOfMultihash } from './peer-id.ts'
import { isSoundKey } from './sound-key.ts'

const P = 2n ** 255n - 19n

/** A y of 255 bits and a sign, little-endian. */
function key(y: bigint, sign = 0): Uint8Array {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => Number((y >> BigInt(8 * i)) & 255n))
  bytes[31] = (bytes[31] as number) | (sign << 7)
  return bytes
}

describe('a key', () => {
  test.each([
    ['0, of order 4', 0n],
    ['1, of order 1', 1n],
    ['-1, of order 2', P - 1n],
    ['p, which is 0 once more', P],
    ['p + 1, which is 1 once more', P + 1n],
    ['2^255 - 1', 2n ** 255n - 1n],
    // RFC 8032's point of order 8 and its negative, as libraries list them.
    [
      'order 8',
      BigInt(`0x${reversed('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')}`),
    ],
    [
      'order 8 too',
      BigInt(`0x${reversed('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')}`),
    ],
  ])('of y = %s is unsound, with both signs', (_, y) => {
    expect([isSoundKey(key(y)), isSoundKey(key(y, 1))]).toEqual([false, false])
  })

  test('that was made at random is sound', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 2n, max: P - 2n }),
        fc.integer({ min: 0, max: 1 }),
        (y, sign) => {
          fc.pre(!SMALL.has(y))
          expect(isSoundKey(key(y, sign))).toBe(true)
        },
      ),
    )
  })

  test('that is unsound names nobody', () => {
    const unsound = key(1n)
    expect(isEd25519Id(peerIdOfKey(unsound))).toBe(false)
    expect(peerIdOfMultihash(Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20, ...unsound))).toBe(
      undefined,
    )
    const read = () => peerId<string>(64).read(new Reader(Uint8Array.of(1, ...unsound)))
    expect(read).toThrow(SwarmError)
  })
})

const SMALL = new Set(
  [
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  ].map((hex) => BigInt(`0x${reversed(hex)}`)),
)

/** Bytes as hex, the other way round. */
function reversed(hex: string): string {
  return (hex.match(/../g) ?? []).toReversed().join('')
}
