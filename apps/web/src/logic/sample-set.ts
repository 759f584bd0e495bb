import { parseIdx } from '@layerswarm/model'

/** Images with their true class, as the server offers them for trying out. */
export interface SampleSet {
  /** Images that are here. */
  readonly count: number
  /** Images that the server has. */
  readonly total: number
  readonly width: number
  readonly height: number
  /** Gray values of one image, row by row: height × width bytes. */
  gray(index: number): Uint8Array
  /** True class of one image. */
  classOf(index: number): number
}

/**
 * Joins an idx file of images (N, H, W) and one of labels (N), or of more of them: images may be the first ones only.
 * @throws ModelError `bad-idx` for a damaged file, Error when the two do not belong together.
 */
export function parseSamples(imageFile: Uint8Array, labelFile: Uint8Array): SampleSet {
  const images = parseIdx(imageFile)
  const labels = parseIdx(labelFile)
  const [count, height, width] = images.shape
  if (
    count === undefined ||
    height === undefined ||
    width === undefined ||
    images.shape.length !== 3
  ) {
    throw new Error('The sample images are not a list of gray images.')
  }
  const [total = 0] = labels.shape
  if (labels.shape.length !== 1 || total < count) {
    throw new Error(`There are ${count} sample images, but labels of shape [${labels.shape}].`)
  }
  const size = width * height
  return {
    count,
    total,
    width,
    height,
    gray: (index) => images.data.subarray(index * size, (index + 1) * size),
    classOf: (index) => labels.data[index] ?? 0,
  }
}

/**
 * Draws `wanted` different numbers below `count`, all of them when there are fewer: the first steps
 * of a Fisher-Yates shuffle. @param random uniform in [0, 1).
 */
export function pickIndices(count: number, wanted: number, random: () => number): number[] {
  const indices = Array.from({ length: count }, (_, index) => index)
  const picked = Math.min(wanted, count)
  for (let i = 0; i < picked; i++) {
    const j = i + Math.floor(random() * (count - i))
    const swapped = indices[j] ?? 0
    indices[j] = indices[i] ?? 0
    indices[i] = swapped
  }
  return indices.slice(0, picked)
}
