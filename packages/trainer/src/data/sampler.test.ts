import { describe, expect, test } from 'vitest'
import { readRecipe } from '../recipe.ts'
import type { LabelledImages } from './dataset.ts'
import { createSampler } from './sampler.ts'

const COUNT = 7
const plain = {
  imageSize: 4,
  channels: 1 as const,
  mean: [0],
  std: [1],
  labels: ['a', 'b', 'c', 'd'],
}
/** Image i is of the pixel value i, so that a batch tells which images are in it. */
const images: LabelledImages = {
  count: COUNT,
  pixels: Uint8Array.from({ length: COUNT * 16 }, (_, at) => Math.floor(at / 16)),
  labels: Uint8Array.from({ length: COUNT }, (_, at) => at % 4),
}
const file = new URL('../../recipes/fashion-vit.json', import.meta.url).pathname
const still = { patchSize: 4, batch: 3, shift: 0, flip: 0, erase: 0 }

describe('a sampler', () => {
  test('spreads the share of label smoothing evenly over all classes', async () => {
    const recipe = { ...(await readRecipe(file)), ...still, labelSmoothing: 0.2 }
    const [patches, targets] = [new Float32Array(3 * 16), new Float32Array(3 * 4)]
    createSampler(recipe, plain, images).fill(patches, targets)
    for (let row = 0; row < 3; row++) {
      const label = Math.round((patches[row * 16] as number) * 255) % 4
      const own = Array.from(targets.subarray(row * 4, row * 4 + 4))
      own.forEach((target, at) => {
        expect(target).toBeCloseTo(at === label ? 0.85 : 0.05, 6)
      })
    }
  })

  test("mixes a teacher's probabilities with the labels of the same image", async () => {
    const recipe = { ...(await readRecipe(file)), ...still, labelSmoothing: 0, teacherShare: 0.25 }
    const taught = Float32Array.from({ length: COUNT * 4 }, (_, at) => Math.floor(at / 4) / 10)
    const [patches, targets] = [new Float32Array(3 * 16), new Float32Array(3 * 4)]
    createSampler(recipe, plain, images, taught).fill(patches, targets)
    for (let row = 0; row < 3; row++) {
      const image = Math.round((patches[row * 16] as number) * 255)
      for (let i = 0; i < 4; i++) {
        const label = i === image % 4 ? 1 : 0
        expect(targets[row * 4 + i]).toBeCloseTo(0.75 * label + 0.25 * (image / 10), 6)
      }
    }
  })

  test('visits no image twice in an epoch, and mixes every epoch anew', async () => {
    const sampler = createSampler({ ...(await readRecipe(file)), ...still }, plain, images)
    const [patches, targets] = [new Float32Array(3 * 16), new Float32Array(3 * 4)]
    const epochs = Array.from({ length: 6 }, () => {
      const seen: number[] = []
      for (let batch = 0; batch < 2; batch++) {
        sampler.fill(patches, targets)
        for (let row = 0; row < 3; row++) {
          seen.push(Math.round((patches[row * 16] as number) * 255))
        }
      }
      return seen
    })
    for (const epoch of epochs) expect(new Set(epoch).size).toBe(6)
    expect(new Set(epochs.map(String)).size).toBe(6)
  })
})
