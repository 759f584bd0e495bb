import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ACTIVATION_DTYPES,
  type ActivationShape,
  activationBytes,
  decodeActivation,
  encodeActivation,
  wireError,
} from './activation.ts'
import { ModelError } from './errors.ts'
import { randomTensor } from './random-model.ts'

const activation = randomTensor([2, 5, 16], 3)
const shape: ActivationShape = [2, 5, 16]

describe.each(ACTIVATION_DTYPES)('an activation as %s', (dtype) => {
  test('comes back close to what was sent', () => {
    const allowed = { float32: 1e-12, float16: 5e-4, int8: 1e-2 }[dtype]
    expect(wireError(dtype, activation)).toBeLessThan(allowed)
    const decoded = decodeActivation(encodeActivation(activation, dtype))
    expect(decoded.shape).toEqual(shape)
  })

  test('takes as many bytes as it says, and shares none with the tensor', () => {
    const { bytes } = encodeActivation(activation, dtype)
    expect(bytes.length).toBe(activationBytes(dtype, shape))
    expect(bytes.buffer).not.toBe(activation.data.buffer)
  })

  test('is the same again after a second trip', () => {
    const once = decodeActivation(encodeActivation(activation, dtype))
    const twice = decodeActivation(encodeActivation(once, dtype))
    const drift = once.data.map((value, i) => Math.abs(value - (twice.data[i] ?? 0)))
    expect(Math.max(...drift)).toBeLessThan(1e-6)
  })

  test('is decoded from unaligned bytes into memory of its own', () => {
    const { bytes } = encodeActivation(activation, dtype)
    const buffer = new Uint8Array([1, ...bytes])
    const decoded = decodeActivation({ dtype, shape, bytes: buffer.subarray(1) })
    const before = decoded.data.slice()
    buffer.fill(0)
    expect(decoded.data).toEqual(before)
  })

  test('keeps zeros and the tiniest values finite', () => {
    const data = new Float32Array([0, 0, 0, 0, 1e-45, -1e-45, 0, 1e-45])
    const { data: back } = decodeActivation(encodeActivation({ shape: [1, 2, 4], data }, dtype))
    for (const [i, value] of back.entries()) {
      expect(Math.abs(value - (data[i] ?? 0))).toBeLessThan(2e-43)
    }
  })

  test('of any bytes and shape is decoded to finite values or refused', () => {
    const size = fc.integer({ min: -1, max: 4 })
    fc.assert(
      fc.property(size, size, size, fc.uint8Array({ maxLength: 80 }), fc.boolean(), (...input) => {
        const [batch, tokens, width, noise, exact] = input
        const wanted = Math.max(0, activationBytes(dtype, [batch, tokens, width]))
        const bytes = exact ? new Uint8Array(wanted).map((_, i) => noise[i] ?? 0) : noise
        try {
          const { data } = decodeActivation({ dtype, shape: [batch, tokens, width], bytes })
          expect(data.every(Number.isFinite)).toBe(true)
          expect(data.length).toBe(batch * tokens * width)
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError)
          expect(error).toMatchObject({ code: 'bad-activation' })
        }
      }),
    )
  })
})

describe('an activation', () => {
  test('is refused when its bytes do not fit its shape', () => {
    const bytes = new Uint8Array(12)
    expect(() => decodeActivation({ dtype: 'float16', shape: [1, 2, 4], bytes })).toThrow(
      'activation: float16 of shape [1,2,4] needs 16 bytes, got 12',
    )
  })

  test('is refused beyond the limits, before any memory is taken', () => {
    const bytes = new Uint8Array(0)
    for (const shape of [
      [257, 1, 1],
      [1, 4098, 1],
      [1, 1, 4097],
      [256, 4097, 4096],
      [1, 1.5, 1],
      [1, 0, 1],
    ] as const) {
      expect(() => decodeActivation({ dtype: 'float32', shape, bytes })).toThrow('within')
    }
    expect(() => encodeActivation(randomTensor([4, 4], 1), 'float32')).toThrow('within')
  })

  test('with a value that is not finite is neither sent nor taken', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const data = new Float32Array([1, value])
      expect(() => encodeActivation({ shape: [1, 1, 2], data }, 'int8')).toThrow('value 1')
      const bytes = new Uint8Array(data.buffer)
      expect(() => decodeActivation({ dtype: 'float32', shape: [1, 1, 2], bytes })).toThrow(
        'activation: value 1 is not finite',
      )
    }
  })

  test('with values beyond float16 asks for float32', () => {
    const large = { shape: [1, 1, 2], data: new Float32Array([1, 70_000]) }
    expect(() => encodeActivation(large, 'float16')).toThrow('send it as float32')
    expect(wireError('float32', large)).toBe(0)
  })

  test('keeps an outlier token of int8 from spoiling the others', () => {
    const data = randomTensor([1, 2, 16], 5).data.map((value, i) => (i < 16 ? value * 1e4 : value))
    const back = decodeActivation(encodeActivation({ shape: [1, 2, 16], data }, 'int8')).data
    for (let i = 16; i < 32; i++)
      expect(Math.abs((back[i] ?? 0) - (data[i] ?? 0))).toBeLessThan(0.01)
  })
})
