import { normalisedBytes } from '@layerswarm/model'
import type { RandomStream } from '../random.ts'
import type { LabelledImages, PixelFormat } from './dataset.ts'

/** Random changes to training images that keep their class. */
export interface Augmentation {
  /** Images move by up to this many pixels along each axis. */
  readonly shift: number
  /** Probability of a horizontal flip. */
  readonly flip: number
  /** Probability that a random rectangle is erased (arXiv 1708.04896). */
  readonly erase: number
}

/** Shares of an image that an erased rectangle may cover, as in the paper. */
const ERASED_SHARES = [0.02, 0.4] as const
/** Height by width of an erased rectangle, as in the paper. */
const ERASED_ASPECTS = [0.3, 1 / 0.3] as const

/** Writes normalized images as rows of patches. */
export interface PatchWriter {
  /** Writes image `index` as row block `row` of `target` (rows · P, channels·p·p). */
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

/**
 * Patches are in reading order; each holds one channel after the other, and the pixels of each in
 * reading order too, as in the kernel of ViT's projection.
 */
export function createPatchWriter(
  format: PixelFormat,
  patchSize: number,
  { shift, flip, erase }: Augmentation,
): PatchWriter {
  const { imageSize: n, channels } = format
  /** By channel and value of a byte. */
  const normalized = normalisedBytes(format)
  const values = n * n * channels
  const perSide = n / patchSize
  const isOnImage = (at: number): boolean => at >= 0 && at < n
  /** Where channel 0 of pixel (y, x) of an image lies among its patches. */
  const places = Uint32Array.from({ length: n * n }, (_, pixel) => {
    const y = Math.floor(pixel / n)
    const x = pixel % n
    const patch = Math.floor(y / patchSize) * perSide + Math.floor(x / patchSize)
    return patch * channels * patchSize * patchSize + (y % patchSize) * patchSize + (x % patchSize)
  })
  /** How far the channels of a pixel lie apart. */
  const stride = patchSize * patchSize

  function write(target: Float32Array, row: number, images: LabelledImages, index: number): void {
    const from = index * values
    const to = row * values
    for (let i = 0; i < n * n; i++) {
      writePixel(target, to + (places[i] as number), images.pixels, from + i * channels)
    }
  }

  /** All channels of one pixel. @param source where it begins; −1 is beyond the image, black. */
  function writePixel(
    target: Float32Array,
    place: number,
    pixels: Uint8Array,
    source: number,
  ): void {
    for (let channel = 0; channel < channels; channel++) {
      const pixel = source < 0 ? 0 : (pixels[source + channel] as number)
      target[place + channel * stride] = normalized[channel * 256 + pixel] as number
    }
  }

  /** Puts the mean of the data set, which tells nothing, into a rectangle of some images. */
  function eraseFrom(image: Float32Array, random: RandomStream): void {
    // Without erasing nothing is drawn for it, so that recipes without it keep their numbers.
    if (erase === 0 || random.next() >= erase) return
    const { top, left, height, width } = drawRectangle(n, random)
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) {
        const place = places[y * n + x] as number
        for (let channel = 0; channel < channels; channel++) image[place + channel * stride] = 0
      }
    }
  }

  return {
    write,
    writeAugmented(target, row, images, index, random) {
      const dy = random.below(2 * shift + 1) - shift
      const dx = random.below(2 * shift + 1) - shift
      const flipped = random.next() < flip
      const from = index * values
      const to = row * values
      for (let y = 0; y < n; y++) {
        const sourceY = y + dy
        for (let x = 0; x < n; x++) {
          const sourceX = (flipped ? n - 1 - x : x) + dx
          const isInside = isOnImage(sourceY) && isOnImage(sourceX)
          const source = isInside ? from + (sourceY * n + sourceX) * channels : -1
          writePixel(target, to + (places[y * n + x] as number), images.pixels, source)
        }
      }
      eraseFrom(target.subarray(to, to + values), random)
    },
  }
}

interface Rectangle {
  readonly top: number
  readonly left: number
  readonly height: number
  readonly width: number
}

/** A rectangle inside an image of n × n pixels. */
function drawRectangle(n: number, random: RandomStream): Rectangle {
  const between = ([low, high]: readonly [number, number]): number =>
    low + (high - low) * random.next()
  const area = n * n * between(ERASED_SHARES)
  const aspect = between(ERASED_ASPECTS)
  const side = (length: number): number => Math.min(n, Math.max(1, Math.round(length)))
  const height = side(Math.sqrt(area * aspect))
  const width = side(Math.sqrt(area / aspect))
  return { top: random.below(n - height + 1), left: random.below(n - width + 1), height, width }
}
