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
const plain = { imageSize: 4, mean: 0, std: 1 }
const pixelsOf = (patches: Float32Array): number[] =>
  Array.from(patches, (value) => Math.round(value * 255))

describe('patches', () => {
  test('come in reading order, as do their pixels', () => {
    const target = new Float32Array(16)
    createPatchWriter(plain, 2, { shift: 0, flip: 0 }).write(target, 0, images, 0)
    expect(pixelsOf(target)).toEqual([0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15])
  })

  test('are normalized by mean and deviation', () => {
    const target = new Float32Array(16)
    const options = { imageSize: 4, mean: 0.5, std: 0.25 }
    createPatchWriter(options, 4, { shift: 0, flip: 0 }).write(target, 0, images, 0)
    expect(target[15]).toBeCloseTo((15 / 255 - 0.5) / 0.25, 5)
  })

  test('of flipped images are mirrored from left to right', () => {
    const target = new Float32Array(16)
    const writer = createPatchWriter(plain, 4, { shift: 0, flip: 1 })
    writer.writeAugmented(target, 0, images, 0, createRandom(1, 'flip'))
    expect(pixelsOf(target).slice(0, 8)).toEqual([3, 2, 1, 0, 7, 6, 5, 4])
  })

  test('of shifted images are the image moved by whole pixels, with background where it left', () => {
    const writer = createPatchWriter(plain, 4, { shift: 1, flip: 0 })
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
})
