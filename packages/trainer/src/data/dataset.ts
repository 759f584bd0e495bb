import type { Preprocessing, Resize } from '@layerswarm/model'

/** How the pixels of a data set were prepared, are kept and become inputs. */
export interface PixelFormat {
  /** Height and width of the images, pixels. */
  readonly imageSize: number
  /** 1 (grey) or 3 (red, green, blue). */
  readonly channels: 1 | 3
  /** Inputs are (pixel · rescale − mean) / std, by channel; rescale is 1/255 by default. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly rescale?: number
  /** How pictures were fitted; undefined where all had the size already, or were no files. */
  readonly resize?: Resize
  /** What the images show, and others are turned round to; undefined before it is decided. */
  readonly foreground?: Preprocessing['foreground']
}

/** Square images with their classes. */
export interface LabelledImages {
  readonly count: number
  /** (count, size, size, channels) raw pixels, 0 … 255. */
  readonly pixels: Uint8Array
  /** (count) class of each image. */
  readonly labels: Uint8Array | Uint16Array
}

/** Square images for training and for testing. */
export interface Dataset extends PixelFormat {
  readonly name: string
  /** One per class. */
  readonly labels: readonly string[]
  readonly train: LabelledImages
  readonly test: LabelledImages
}

/** Images `start` … `end` of a split; views, not copies. */
export function sliceImages(
  { pixels, labels, count }: LabelledImages,
  start: number,
  end: number,
): LabelledImages {
  const size = pixels.length / count
  return {
    count: end - start,
    pixels: pixels.subarray(start * size, end * size),
    labels: labels.subarray(start, end),
  }
}
