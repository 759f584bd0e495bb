import { describe, expect, test } from 'vitest'
import { ModelError } from './errors.ts'
import { grayTensor, imageTensor, type Pixels } from './image.ts'
import type { Preprocessing } from './preprocessing.ts'

const gray: Preprocessing = { size: 4, channels: 1, mean: [0], std: [1], foreground: 'light' }
const colour: Preprocessing = {
  size: 4,
  channels: 3,
  mean: [0.5, 0.25, 0],
  std: [0.5, 0.25, 1],
  foreground: 'any',
}

type Rgba = readonly [red: number, green: number, blue: number, alpha: number]
const white: Rgba = [255, 255, 255, 255]
const black: Rgba = [0, 0, 0, 255]
const clear: Rgba = [0, 0, 0, 0]

function picture(width: number, height: number, at: (x: number, y: number) => Rgba): Pixels {
  const data = new Uint8ClampedArray(width * height * 4)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set(at(x, y), (y * width + x) * 4)
  }
  return { width, height, data }
}

/** A square object in the middle half of a picture. */
const square = (object: Rgba, ground: Rgba, size = 8) =>
  picture(size, size, (x, y) => {
    const inside = (at: number) => at >= size / 4 && at < (size * 3) / 4
    return inside(x) && inside(y) ? object : ground
  })

const LIGHT_SQUARE = [0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0]
const values = (pixels: Pixels, preprocessing: Preprocessing) => [
  ...imageTensor(pixels, preprocessing).data,
]

describe('a picture for a model of light objects', () => {
  test('shows a light object on black, however it was photographed', () => {
    expect(values(square(white, black), gray)).toEqual(LIGHT_SQUARE)
    expect(values(square(black, white), gray)).toEqual(LIGHT_SQUARE)
    expect(values(square(white, clear), gray)).toEqual(LIGHT_SQUARE)
    expect(values(square(black, clear), gray)).toEqual(LIGHT_SQUARE)
  })

  test('keeps the shades of an inverted photo', () => {
    const grey: Rgba = [102, 102, 102, 255]
    expect(values(square(grey, white), gray)[5]).toBeCloseTo(1 - 102 / 255, 6)
  })

  test('pads an inverted photo with the black of its ground', () => {
    const tall = picture(4, 8, (x, y) => (y > 1 && y < 6 && x > 0 && x < 3 ? black : white))
    const { data } = imageTensor(tall, gray)
    expect([...data]).toEqual([0, 0, 0, 0, 0, 0.5, 0.5, 0, 0, 0.5, 0.5, 0, 0, 0, 0, 0])
  })

  test('weighs the colours as Rec. 601 does', () => {
    const red = picture(4, 4, () => [255, 0, 0, 255])
    const green = picture(4, 4, () => [0, 255, 0, 255])
    const blue = picture(4, 4, () => [0, 0, 255, 255])
    expect(imageTensor(red, gray).data[0]).toBeCloseTo(0.299, 6)
    expect(imageTensor(green, gray).data[0]).toBeCloseTo(0.587, 6)
    expect(imageTensor(blue, gray).data[0]).toBeCloseTo(0.114, 6)
  })

  test('of the model’s own size equals the same image of the data set', () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => (i * 37) % 120)
    const pixels = picture(4, 4, (x, y) => {
      const byte = bytes[y * 4 + x] ?? 0
      return [byte, byte, byte, 255]
    })
    const normal = { ...gray, mean: [0.2], std: [0.3] }
    const expected = grayTensor(bytes, normal)
    const { shape, data } = imageTensor(pixels, normal)
    expect(shape).toEqual(expected.shape)
    for (const [i, value] of data.entries()) expect(value).toBeCloseTo(expected.data[i] ?? 9, 5)
  })
})

describe('a picture for a model of anything', () => {
  test('is never inverted, and lies on white where it is transparent', () => {
    expect(values(square(black, white), { ...gray, foreground: 'any' })[0]).toBe(1)
    expect(values(square(white, clear), { ...gray, foreground: 'any' })[0]).toBe(1)
  })

  test('is normalised per channel', () => {
    const { shape, data } = imageTensor(
      picture(2, 2, () => [255, 0, 51, 255]),
      colour,
    )
    expect(shape).toEqual([1, 3, 4, 4])
    expect([data[0], data[16], data[32]]).toEqual([1, -1, Math.fround(0.2)])
  })

  test('keeps its proportions between bands of the mean colour', () => {
    const wide = picture(8, 4, () => white)
    const { data } = imageTensor(wide, colour)
    expect([...data.subarray(0, 16)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
  })

  test('keeps its mean brightness when it shrinks by an odd factor or grows', () => {
    for (const size of [7, 11, 3]) {
      const pixels = picture(size, size, (x, y) => {
        const byte = (x * 31 + y * 57) % 256
        return [byte, byte, byte, 255]
      })
      const before = pixels.data.filter((_, i) => i % 4 === 0)
      const { data } = imageTensor(pixels, { ...gray, foreground: 'any' })
      const mean = (list: Iterable<number>) => {
        const all = [...list]
        return all.reduce((a, b) => a + b, 0) / all.length
      }
      expect(mean(data)).toBeCloseTo(mean(before) / 255, 5)
    }
  })

  test('a single pixel fills the square', () => {
    expect(
      new Set(
        values(
          picture(1, 1, () => white),
          { ...gray, foreground: 'any' },
        ),
      ),
    ).toEqual(new Set([1]))
  })
})

describe('a wrong picture', () => {
  test('is refused in one line', () => {
    const data = new Uint8Array(15)
    expect(() => imageTensor({ width: 2, height: 2, data }, gray)).toThrow(
      new ModelError({ code: 'bad-picture' }, 'picture: 2 × 2 pixels need 16 bytes, got 15'),
    )
    expect(() => imageTensor({ width: 0, height: 2, data }, gray)).toThrow('impossible')
    expect(() => imageTensor({ width: 1e5, height: 1e5, data }, gray)).toThrow('make it smaller')
    expect(() => grayTensor(data, gray)).toThrow('15 bytes are not whole images of 4 × 4 × 1')
    expect(() => grayTensor([], gray)).toThrow('0 bytes')
  })
})

describe('images of a data set', () => {
  test('become a batch with the channels apart', () => {
    const bytes = Uint8Array.from({ length: 2 * 48 }, (_, i) => (i % 3) * 51)
    const plain = { ...colour, mean: [0, 0, 0], std: [1, 1, 1] }
    const { shape, data } = grayTensor(bytes, plain)
    expect(shape).toEqual([2, 3, 4, 4])
    expect(data.subarray(0, 16).every((value) => value === 0)).toBe(true)
    expect(data.subarray(64, 80).every((value) => value === Math.fround(0.2))).toBe(true)
    expect(data.subarray(80, 96).every((value) => value === Math.fround(0.4))).toBe(true)
  })
})
