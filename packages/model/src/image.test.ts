import { describe, expect, test } from 'vitest'
import { ModelError } from './errors.ts'
import {
  decodedShrink,
  foregroundOfPicture,
  grayTensor,
  imageTensor,
  type Pixels,
  preparePicture,
} from './image.ts'
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
    // Half white, 127.5, is rounded to a byte.
    const grey = Math.fround(128 / 255)
    expect([...data]).toEqual([0, 0, 0, 0, 0, grey, grey, 0, 0, grey, grey, 0, 0, 0, 0, 0])
  })

  test('weighs the colours as Rec. 601 does', () => {
    const red = picture(4, 4, () => [255, 0, 0, 255])
    const green = picture(4, 4, () => [0, 255, 0, 255])
    const blue = picture(4, 4, () => [0, 0, 255, 255])
    // 0.299, 0.587 and 0.114 of 255, as whole bytes.
    const bytes = [red, green, blue].map((pixels) => preparePicture(pixels, gray)[0])
    expect(bytes).toEqual([76, 150, 29])
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
    expect([...data.subarray(4, 12)]).toEqual([1, 1, 1, 1, 1, 1, 1, 1])
    // The mean, 127.5, is a whole byte as everything else: 128.
    for (const at of [0, 3, 12, 15]) expect(data[at]).toBeCloseTo(1 / 255, 6)
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
      // Each of the two passes rounds each pixel to a byte.
      expect(Math.abs(mean(data) - mean(before) / 255)).toBeLessThan(1 / 255)
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

describe('a picture that a release resizes in its own way', () => {
  const plain = { ...gray, foreground: 'any' } as const
  /** Columns of 10 times their place, rows of 1 times theirs. */
  const ramp = (width: number, height: number) =>
    picture(width, height, (x, y) => [10 * x + y, 10 * x + y, 10 * x + y, 255])
  const rows = (bytes: Uint8Array) =>
    [0, 4, 8, 12].map((at) => [...bytes.subarray(at, at + 4)].join(' '))

  test('is stretched, whatever its proportions', () => {
    const resize = { mode: 'stretch', height: 4, width: 4, filter: 'box' } as const
    const seen = preparePicture(ramp(8, 4), { ...plain, resize })
    expect(rows(seen)).toEqual(['5 25 45 65', '6 26 46 66', '7 27 47 67', '8 28 48 68'])
  })

  test('has its shorter side exact, its longer one truncated, and its middle cut out', () => {
    // 4 / 6 of 11 is 7.3: 7 columns, of which three are cut, one of them on the left.
    const resize = { mode: 'shortest-edge', edge: 4, filter: 'nearest' } as const
    const seen = preparePicture(ramp(11, 6), { ...plain, resize })
    expect(rows(seen)[0]).toBe('20 30 50 70')
  })

  test('is cut around its centre where nothing resizes it, and lies on black where it is smaller', () => {
    const resize = { mode: 'none' } as const
    expect(rows(preparePicture(ramp(7, 3), { ...plain, resize }))).toEqual([
      '0 0 0 0',
      '10 20 30 40',
      '11 21 31 41',
      '12 22 32 42',
    ])
  })

  test('is letterboxed with the fill that is named', () => {
    const of = (fill: 'black' | 'white' | 'mean') => {
      const resize = { mode: 'letterbox', fill, filter: 'bilinear' } as const
      return rows(preparePicture(ramp(4, 2), { ...plain, mean: [0.2], resize }))
    }
    expect(of('black')).toEqual(['0 0 0 0', '0 10 20 30', '1 11 21 31', '0 0 0 0'])
    expect(of('white')[3]).toBe('255 255 255 255')
    expect(of('mean')[0]).toBe('51 51 51 51')
  })

  test('costs what is kept of it, however long its other side would be', () => {
    const resize = { mode: 'shortest-edge', edge: 1024, filter: 'bicubic' } as const
    const line = picture(1, 40_000, (_, y) => [y % 256, y % 256, y % 256, 255])
    // Made whole it would be 1024 × 40,960,000 pixels.
    expect(preparePicture(line, { ...plain, size: 1024, resize })).toHaveLength(1024 * 1024)
  })

  test('that was shrunk while it was decoded becomes as large as the whole one would', () => {
    const resize = { mode: 'shortest-edge', edge: 4, filter: 'box' } as const
    const whole = { width: 23, height: 12 }
    // 4 / 12 of 23 is 7.7, of 11 / 6 7.3: both 7; of 10 / 6 6.7.
    const seen = preparePicture({ ...ramp(10, 6), whole }, { ...plain, resize })
    const alone = preparePicture(ramp(10, 6), { ...plain, resize })
    expect(rows(seen)[0]).not.toBe(rows(alone)[0])
  })

  test('is multiplied by what the release says', () => {
    const resize = { mode: 'none' } as const
    const bytes = imageTensor(ramp(4, 4), { ...plain, resize, rescale: 1 })
    expect(bytes.data[5]).toBe(11)
    const twice = imageTensor(ramp(4, 4), { ...plain, resize, rescale: 2 / 255 })
    expect(twice.data[5]).toBeCloseTo(22 / 255, 6)
  })
})

describe('what a picture shows', () => {
  test('is light on dark, dark on light, or neither', () => {
    expect(foregroundOfPicture(square(white, black))).toBe('light')
    expect(foregroundOfPicture(square(black, white))).toBe('dark')
    expect(foregroundOfPicture(square(white, white))).toBe('any')
    expect(foregroundOfPicture(square(black, clear))).toBe('dark')
  })

  test('is turned round for a model of the other kind, in colour too', () => {
    const dark = { ...gray, foreground: 'dark' } as const
    expect(values(square(white, black), dark)).toEqual(LIGHT_SQUARE.map((value) => 1 - value))
    expect(values(square(black, white), dark)).toEqual(LIGHT_SQUARE.map((value) => 1 - value))
    const red: Rgba = [255, 0, 0, 255]
    const seen = preparePicture(square(red, white, 4), { ...colour, foreground: 'light' })
    expect([...seen.subarray(15, 18)]).toEqual([0, 255, 255])
  })
})

describe('a decoder', () => {
  const stretch = { mode: 'stretch', height: 224, width: 224, filter: 'bilinear' } as const
  const vit = { ...colour, size: 224, resize: stretch }

  test('shrinks large pictures only, and leaves three pixels for each that is made', () => {
    expect(decodedShrink({ width: 8000, height: 6000 }, vit)).toBe(8)
    expect(decodedShrink({ width: 3000, height: 1500 }, vit)).toBe(2)
    expect(decodedShrink({ width: 2048, height: 2048 }, vit)).toBe(1)
    expect(decodedShrink({ width: 60_000, height: 400 }, vit)).toBe(1)
    expect(decodedShrink({ width: 8000, height: 6000 }, { ...vit, resize: { mode: 'none' } })).toBe(
      1,
    )
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
