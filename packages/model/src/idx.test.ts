import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelError } from './errors.ts'
import { parseIdx } from './idx.ts'

const images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]
const parse = (bytes: number[]) => parseIdx(Uint8Array.from(bytes))

describe('an idx file', () => {
  test('gives its shape and its bytes', () => {
    const { shape, data } = parse(images)
    expect(shape).toEqual([2, 1, 3])
    expect([...data]).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('is read from a view inside a larger buffer', () => {
    const buffer = Uint8Array.from([7, 7, 7, ...images])
    expect(parseIdx(buffer.subarray(3)).shape).toEqual([2, 1, 3])
  })

  test.each([
    [[], 'idx file: 0 bytes are too few for a header'],
    [[0x1f, 0x8b, 8, 0, 0], 'idx file: it is compressed; unpack it with gunzip first'],
    [[1, 0, 8, 1], 'idx file: it does not start with two zero bytes'],
    [[0, 0, 0x0d, 1, 0, 0, 0, 0], 'idx file: type 0x0d is not 0x08 (unsigned bytes)'],
    [[0, 0, 8, 0], 'idx file: it has 0 dimensions, not 1 to 8'],
    [images.slice(0, 12), 'idx file: it ends inside its header of 16 bytes'],
    [images.slice(0, -1), 'idx file: shape [2,1,3] needs 6 bytes of data, got 5'],
    [[...images, 0], 'idx file: shape [2,1,3] needs 6 bytes of data, got 7'],
  ])('that is wrong is refused in one line: %j', (bytes, message) => {
    expect(() => parse(bytes)).toThrow(new ModelError({ code: 'bad-idx' }, message))
  })

  test('of any bytes is read or refused with a ModelError', () => {
    const nearly = fc
      .array(fc.nat(255), { maxLength: 40 })
      .map((rest) => Uint8Array.from([0, 0, 8, ...rest]))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), nearly), (bytes) => {
        try {
          const { shape, data } = parseIdx(bytes)
          expect(shape.reduce((a, b) => a * b, 1)).toBe(data.length)
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError)
        }
      }),
    )
  })
})
