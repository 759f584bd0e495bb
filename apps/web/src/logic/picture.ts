import {
  grayTensor,
  imageTensor,
  type Pixels,
  type Preprocessing,
  type Tensor,
} from '@layerswarm/model'

/** Something to classify. */
export interface Picture {
  readonly source: 'sample' | 'drawing' | 'file' | 'camera'
  /** What a person would call it: "sample 12", "your drawing", a file name. */
  readonly name: string
  readonly pixels: Pixels
  /** The true class, when it is known. */
  readonly trueClass: number | undefined
}

/** Opaque RGBA pixels of a gray image (height × width bytes). */
export function grayPixels(gray: Uint8Array, width: number, height: number): Pixels {
  const data = new Uint8ClampedArray(4 * width * height)
  for (let i = 0; i < width * height; i++) {
    data.fill(gray[i] ?? 0, 4 * i, 4 * i + 3)
    data[4 * i + 3] = 255
  }
  return { width, height, data }
}

/**
 * The stem's input (1, channels, size, size). A sample comes from the data set of the model and is
 * taken as it is when its size fits; everything else is fitted, and inverted where needed.
 * @throws ModelError `bad-picture`.
 */
export function pictureTensor(picture: Picture, preprocessing: Preprocessing): Tensor {
  const { pixels } = picture
  const { size, channels } = preprocessing
  if (picture.source !== 'sample' || pixels.width !== size || pixels.height !== size) {
    return imageTensor(pixels, preprocessing)
  }
  const values = new Uint8Array(size * size * channels)
  for (let i = 0; i < values.length; i++) {
    values[i] = pixels.data[4 * Math.floor(i / channels) + (i % channels)] ?? 0
  }
  return grayTensor(values, preprocessing)
}

/** What the model sees: a normalised tensor (1, channels, size, size) turned back into pixels. */
export function seenPixels(tensor: Tensor, preprocessing: Preprocessing): Pixels {
  const { size, channels, mean, std, rescale = 1 / 255 } = preprocessing
  const plane = size * size
  const data = new Uint8ClampedArray(4 * plane)
  for (let i = 0; i < plane; i++) {
    for (let colour = 0; colour < 3; colour++) {
      const channel = Math.min(colour, channels - 1)
      const value = tensor.data[channel * plane + i] ?? 0
      data[4 * i + colour] = (value * (std[channel] ?? 1) + (mean[channel] ?? 0)) / rescale
    }
    data[4 * i + 3] = 255
  }
  return { width: size, height: size, data }
}
