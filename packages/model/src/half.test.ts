import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeHalf, encodeHalf, floatFromHalf, halfFromFloat } from './half.ts'

const isNaNHalf = (half: number) => (half & 0x7fff) > 0x7c00

describe('float16', () => {
  test('has the values that IEEE 754 gives', () => {
    const known: [number, number][] = [
      [0x0000, 0],
      [0x3c00, 1],
      [0xc000, -2],
      [0x3555, 0.333251953125],
      [0x7bff, 65_504],
      [0x0400, 2 ** -14],
      [0x03ff, 2 ** -14 - 2 ** -24],
      [0x0001, 2 ** -24],
      [0x7c00, Number.POSITIVE_INFINITY],
      [0xfc00, Number.NEGATIVE_INFINITY],
    ]
    for (const [half, value] of known) {
      expect(floatFromHalf(half)).toBe(value)
      expect(halfFromFloat(value)).toBe(half)
    }
    expect(halfFromFloat(-0)).toBe(0x8000)
    expect(floatFromHalf(0x8000)).toBe(-0)
    expect(floatFromHalf(0x7e00)).toBeNaN()
    expect(isNaNHalf(halfFromFloat(Number.NaN))).toBe(true)
  })

  test('keeps every one of its own values through float32 and back', () => {
    const halves = Uint16Array.from({ length: 65_536 }, (_, half) => half)
    const back = encodeHalf(decodeHalf(halves))
    for (const [half, again] of back.entries()) {
      if (isNaNHalf(half)) expect(isNaNHalf(again)).toBe(true)
      else if (again !== half) expect(again).toBe(half)
    }
  })

  test('rounds to the nearest, ties to even, up to overflow', () => {
    expect(halfFromFloat(65_519.99)).toBe(0x7bff)
    expect(halfFromFloat(65_520)).toBe(0x7c00)
    expect(halfFromFloat(2 ** -25)).toBe(0)
    expect(halfFromFloat(2 ** -25 * 1.0001)).toBe(1)
    expect(halfFromFloat(1 + 2 ** -11)).toBe(0x3c00)
    expect(halfFromFloat(1 + 3 * 2 ** -11)).toBe(0x3c02)
    expect(halfFromFloat(2 ** -14 - 2 ** -26)).toBe(0x0400)
  })

  test('is never further from a float32 than either neighbour', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -65_504, max: 65_504 }), (value) => {
        const half = halfFromFloat(value)
        const distance = Math.abs(floatFromHalf(half) - value)
        for (const other of [half - 1, half + 1]) {
          if (other < 0 || (other & 0x7c00) === 0x7c00 || other > 0xffff) continue
          const further = Math.abs(floatFromHalf(other) - value)
          expect(distance <= further).toBe(true)
          if (distance === further) expect(half & 1).toBe(0)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('encodes a view that starts inside its buffer', () => {
    const values = new Float32Array([9, 1, 2]).subarray(1)
    expect([...decodeHalf(encodeHalf(values))]).toEqual([1, 2])
  })
})
