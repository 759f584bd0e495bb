import { describe, expect, test } from 'vitest'
import { createRandom } from '../random.ts'
import type { LabelledImages } from './dataset.ts'
import { createPatchWriter } from './patches.ts'

/** A 4 × 4 image whose pixels are 0 … 15, normalized to themselves divided by 255. */
const images: LabelledImages = {
  count: 1,
  pixels: Uint8Array.from({ length: 16 }, (_, index) => index),
  labels: Uint8Array.of(0),
}
const plain = { imageSize: 4, channels: 1 as const, mean: [0], std: [1] }
const pixelsOf = (patches: Float32Array): number[] =>
  Array.from(patches, (value) => Math.round(value * 255))

describe('patches', () => {
  test('come in reading order, as do their pixels', () => {
    const target = new Float32Array(16)
    createPatchWriter(plain, 2, { shift: 0, flip: 0, erase: 0 }).write(target, 0, images, 0)
    expect(pixelsOf(target)).toEqual([0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15])
  })

  test('are normalized by mean and deviation', () => {
    const target = new Float32Array(16)
    const options = { imageSize: 4, channels: 1 as const, mean: [0.5], std: [0.25] }
    createPatchWriter(options, 4, { shift: 0, flip: 0, erase: 0 }).write(target, 0, images, 0)
    expect(target[15]).toBeCloseTo((15 / 255 - 0.5) / 0.25, 5)
  })

  test('of coloured images hold one channel after the other, each normalized by itself', () => {
    const coloured: LabelledImages = {
      count: 1,
      pixels: Uint8Array.from([10, 20, 30, 11, 21, 31, 12, 22, 32, 13, 23, 33]),
      labels: Uint8Array.of(0),
    }
    const format = { imageSize: 2, channels: 3 as const, mean: [0, 0, 0], std: [1, 1, 0.5] }
    const target = new Float32Array(12)
    const writer = createPatchWriter(format, 2, { shift: 0, flip: 1, erase: 0 })
    writer.write(target, 0, coloured, 0)
    const whole = [10, 11, 12, 13, 20, 21, 22, 23, 60, 62, 64, 66]
    expect(pixelsOf(target)).toEqual(whole)
    writer.writeAugmented(target, 0, coloured, 0, createRandom(1, 'flip'))
    expect(pixelsOf(target)).toEqual([11, 10, 13, 12, 21, 20, 23, 22, 62, 60, 66, 64])
    createPatchWriter(format, 1, { shift: 0, flip: 0, erase: 0 }).write(target, 0, coloured, 0)
    expect(pixelsOf(target).slice(0, 6)).toEqual([10, 20, 60, 11, 21, 62])
  })

  test('of flipped images are mirrored from left to right', () => {
    const target = new Float32Array(16)
    const writer = createPatchWriter(plain, 4, { shift: 0, flip: 1, erase: 0 })
    writer.writeAugmented(target, 0, images, 0, createRandom(1, 'flip'))
    expect(pixelsOf(target).slice(0, 8)).toEqual([3, 2, 1, 0, 7, 6, 5, 4])
  })

  test('of shifted images are the image moved by whole pixels, with background where it left', () => {
    const writer = createPatchWriter(plain, 4, { shift: 1, flip: 0, erase: 0 })
    const random = createRandom(1, 'shift')
    const seen = new Set<string>()
    for (let draw = 0; draw < 200; draw++) {
      const target = new Float32Array(16)
      writer.writeAugmented(target, 0, images, 0, random)
      seen.add(pixelsOf(target).join())
    }
    expect(seen.size).toBe(9)
    expect(seen).toContain([5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 0, 0, 0, 0].join())
  })

  test('lose one rectangle of the size that was asked for, as often as was asked for', () => {
    const n = 28
    const large: LabelledImages = {
      count: 1,
      pixels: new Uint8Array(n * n).fill(255),
      labels: Uint8Array.of(0),
    }
    const options = { shift: 0, flip: 0, erase: 0.5 }
    const writer = createPatchWriter(
      { imageSize: n, channels: 1 as const, mean: [0.5], std: [0.5] },
      n,
      options,
    )
    const random = createRandom(1, 'erase')
    let erased = 0
    for (let draw = 0; draw < 400; draw++) {
      const target = new Float32Array(n * n)
      writer.writeAugmented(target, 0, large, 0, random)
      const gone = [...target.keys()].filter((at) => target[at] === 0)
      expect(new Set(target).size).toBeLessThanOrEqual(2)
      if (gone.length === 0) continue
      erased++
      const rows = gone.map((at) => Math.floor(at / n))
      const columns = gone.map((at) => at % n)
      const height = Math.max(...rows) - Math.min(...rows) + 1
      const width = Math.max(...columns) - Math.min(...columns) + 1
      expect(gone.length).toBe(height * width)
      expect(gone.length / n ** 2).toBeGreaterThan(0.01)
      expect(gone.length / n ** 2).toBeLessThan(0.43)
    }
    expect(erased / 400).toBeCloseTo(0.5, 1)
  })
})
