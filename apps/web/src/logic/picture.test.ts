import type { Preprocessing } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { grayPixels, type Picture, pictureTensor, seenPixels } from './picture.ts'

const gray: Preprocessing = { size: 4, channels: 1, mean: [0.3], std: [0.35], foreground: 'light' }
const colour: Preprocessing = {
  size: 4,
  channels: 3,
  mean: [0.5, 0.4, 0.3],
  std: [0.2, 0.3, 0.4],
  foreground: 'any',
}
/** Light border, dark middle: what `foreground: light` would invert if it were not a sample. */
const bytes = Uint8Array.from([
  250, 250, 250, 250, 250, 10, 20, 250, 250, 30, 40, 250, 250, 250, 250, 250,
])

function picture(source: Picture['source']): Picture {
  return { source, name: source, pixels: grayPixels(bytes, 4, 4), trueClass: undefined }
}

function redChannel(picture: Picture, preprocessing: Preprocessing): number[] {
  const seen = seenPixels(pictureTensor(picture, preprocessing), preprocessing)
  return Array.from({ length: 16 }, (_, i) => seen.data[4 * i] ?? -1)
}

describe('a picture', () => {
  test('from the data set reaches the model unchanged', () => {
    expect(pictureTensor(picture('sample'), gray).shape).toEqual([1, 1, 4, 4])
    expect(redChannel(picture('sample'), gray)).toEqual([...bytes])
  })

  test('of a dark object on light ground is inverted for a model of light objects', () => {
    expect(redChannel(picture('file'), gray)).toEqual([...bytes].map((value) => 255 - value))
  })

  test('fills all channels of a colour model', () => {
    const tensor = pictureTensor(picture('sample'), colour)
    expect(tensor.shape).toEqual([1, 3, 4, 4])
    const seen = seenPixels(tensor, colour)
    expect([...seen.data.subarray(20, 24)]).toEqual([10, 10, 10, 255])
  })

  test('of another size than the model is fitted', () => {
    const small: Picture = {
      ...picture('sample'),
      pixels: grayPixels(Uint8Array.from([0, 90, 180, 255]), 2, 2),
    }
    expect(pictureTensor(small, gray).shape).toEqual([1, 1, 4, 4])
  })
})
