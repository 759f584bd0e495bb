import { describe, expect, test } from 'vitest'
import { dequantizeRows, quantizedBytes, quantizeRows } from './quantized.ts'
import { randomTensor } from './random-model.ts'
import { relativeL2 } from './tensor.ts'

const ROWS = 6
const COLUMNS = 33

describe.each([
  ['I8', 0.01],
  ['I4', 0.12],
] as const)('rows quantised as %s', (dtype, apart) => {
  const { data: values } = randomTensor([ROWS, COLUMNS], 4)

  test('are nearly what they were, in the bytes that they take', () => {
    const quantized = quantizeRows(values, ROWS, dtype)
    expect(quantized.data.length).toBe(quantizedBytes(values.length, dtype))
    const back = dequantizeRows(quantized, COLUMNS, dtype)
    expect(back.length).toBe(values.length)
    expect(relativeL2(back, values)).toBeLessThan(apart)
    expect(relativeL2(back, values)).toBeGreaterThan(apart / 100)
  })

  test('stay what they are when they are quantised again', () => {
    const once = dequantizeRows(quantizeRows(values, ROWS, dtype), COLUMNS, dtype)
    const again = dequantizeRows(quantizeRows(once, ROWS, dtype), COLUMNS, dtype)
    expect(relativeL2(again, once)).toBeLessThan(apart)
  })

  test('of one row do not suffer from what is large in another', () => {
    const [small, large] = [values, values.map((value) => 1_000 * value)]
    const both = Float32Array.of(...small, ...large)
    const back = dequantizeRows(quantizeRows(both, 2 * ROWS, dtype), COLUMNS, dtype)
    expect(relativeL2(back.subarray(0, small.length), small)).toBeLessThan(apart)
  })

  test('of zeros are zeros', () => {
    const quantized = quantizeRows(new Float32Array(8), 2, dtype)
    expect([...quantized.scales]).toEqual([0, 0])
    expect([...dequantizeRows(quantized, 4, dtype)]).toEqual(Array.from({ length: 8 }, () => 0))
  })
})

test('whole numbers of four bits are packed two to a byte, the first in its low bits', () => {
  const values = Float32Array.of(7, -7, 3, -1, 0, 5, 7)
  const { data, scales } = quantizeRows(values, 1, 'I4')
  expect([...scales]).toEqual([1])
  expect([...data]).toEqual([0x97, 0xf3, 0x50, 0x07])
  expect([...dequantizeRows({ data, scales }, 7, 'I4')]).toEqual([...values])
})

test('one outlier of a row of four bits is clipped where that leaves less error', () => {
  const values = Float32Array.from({ length: 256 }, (_, at) => (at === 0 ? 10 : Math.sin(at)))
  const { scales } = quantizeRows(values, 1, 'I4')
  expect(scales[0]).toBeLessThan(10 / 7)
})
