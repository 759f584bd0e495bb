import type { RandomStream } from '../random.ts'
import type { Dataset, LabelledImages } from './dataset.ts'

/** Random changes to training images that keep their class. */
export interface Augmentation {
  /** Images move by up to this many pixels along each axis. */
  readonly shift: number
  /** Probability of a horizontal flip. */
  readonly flip: number
}

/** Writes normalized images as rows of patches. */
export interface PatchWriter {
  /** Writes image `index` as row block `row` of `target` (rows · P, p·p). */
  write(target: Float32Array, row: number, images: LabelledImages, index: number): void
  /** The same after a random change. */
  writeAugmented(
    target: Float32Array,
    row: number,
    images: LabelledImages,
    index: number,
    random: RandomStream,
  ): void
}

/** Patches are in reading order, and so are the pixels of each, as in the kernel of ViT's projection. */
export function createPatchWriter(
  { imageSize: n, mean, std }: Pick<Dataset, 'imageSize' | 'mean' | 'std'>,
  patchSize: number,
  { shift, flip }: Augmentation,
): PatchWriter {
  const normalized = Float32Array.from({ length: 256 }, (_, pixel) => (pixel / 255 - mean) / std)
  const background = normalized[0] as number
  const perSide = n / patchSize
  /** Where pixel (y, x) of an image lies among its patches. */
  const places = Uint32Array.from({ length: n * n }, (_, pixel) => {
    const y = Math.floor(pixel / n)
    const x = pixel % n
    const patch = Math.floor(y / patchSize) * perSide + Math.floor(x / patchSize)
    return patch * patchSize * patchSize + (y % patchSize) * patchSize + (x % patchSize)
  })

  function write(target: Float32Array, row: number, images: LabelledImages, index: number): void {
    const from = index * n * n
    const to = row * n * n
    for (let i = 0; i < n * n; i++) {
      const value = normalized[images.pixels[from + i] as number] as number
      target[to + (places[i] as number)] = value
    }
  }

  return {
    write,
    writeAugmented(target, row, images, index, random) {
      const dy = random.below(2 * shift + 1) - shift
      const dx = random.below(2 * shift + 1) - shift
      const flipped = random.next() < flip
      const from = index * n * n
      const to = row * n * n
      for (let y = 0; y < n; y++) {
        const sourceY = y + dy
        for (let x = 0; x < n; x++) {
          const sourceX = (flipped ? n - 1 - x : x) + dx
          const inside = sourceY >= 0 && sourceY < n && sourceX >= 0 && sourceX < n
          const value = inside
            ? (normalized[images.pixels[from + sourceY * n + sourceX] as number] as number)
            : background
          target[to + (places[y * n + x] as number)] = value
        }
      }
    },
  }
}
