import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { varintField } from './reservation.ts'

describe('the number in a field of a protobuf message', () => {
  test.each([
    [[8, 2, 40, 100], 100],
    [[8, 2, 26, 3, 40, 1, 1, 40, 200, 1], 200],
    [[8, 2], undefined],
    [[26, 9, 40, 100], undefined],
    [[45, 0, 0, 0, 0, 40, 100], undefined],
    [[40], undefined],
    [[40, 255], undefined],
    [[], undefined],
  ])('of %j is %j', (bytes, value) => {
    expect(varintField(new Uint8Array(bytes), 5)).toBe(value)
  })

  test('of whatever bytes is a number or none, and is found in the end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const value = varintField(bytes, 5)
        expect(value === undefined || Number.isSafeInteger(value)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})
