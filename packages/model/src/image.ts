import { ModelError } from './errors.ts'
import { PICTURE_PIXELS_MAX } from './limits.ts'
import type { Preprocessing } from './preprocessing.ts'
import type { Tensor } from './tensor.ts'

/** A decoded picture, 4 bytes per pixel (red, green, blue, alpha), row by row: a canvas's ImageData. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray
}

/** One channel of a picture, values from 0 to 255. */
interface Plane {
  readonly width: number
  readonly height: number
  readonly data: Float32Array
}

// Luminance of ITU-R BT.601, what image libraries mean by "convert to grey".
const LUMA_RED = 0.299
const LUMA_GREEN = 0.587
const LUMA_BLUE = 0.114

const MIDDLE_GREY = 127.5

function fail(message: string): never {
  throw new ModelError({ code: 'bad-picture' }, `picture: ${message}`)
}

/**
 * Turns a picture into the stem's input (1, channels, size, size): flattens transparency, takes
 * the luminance when the model has one channel, inverts dark objects on light ground when it
 * learned light ones on black, fits the picture into the square, normalises.
 * @throws ModelError `bad-picture`.
 */
export function imageTensor(pixels: Pixels, preprocessing: Preprocessing): Tensor {
  checkPixels(pixels)
  const { size, channels, mean, std, foreground } = preprocessing
  if (channels !== 1 && channels !== 3) fail(`a model of ${channels} channels sees no pictures`)
  const planes = planesOf(pixels, channels, groundOf(pixels, foreground))
  const inverted = foreground === 'light' && planes.every(isDarkOnLight)
  const data = new Float32Array(channels * size * size)
  for (const [channel, plane] of planes.entries()) {
    const m = mean[channel] ?? 0
    // Around the picture: black where models learned objects on black, otherwise the mean colour.
    const padding = foreground === 'light' ? 0 : m * 255
    const s = std[channel] ?? 1
    const square = contain(plane, size, inverted ? 255 - padding : padding)
    for (const [pixel, value] of square.entries()) {
      const light = inverted ? 255 - value : value
      data[channel * size * size + pixel] = (light / 255 - m) / s
    }
  }
  return { shape: [1, channels, size, size], data }
}

/**
 * Turns images of a data set, already of the right size, into the stem's input: no fitting, no
 * inversion. Bytes (B, size, size, channels) → (B, channels, size, size).
 * @throws ModelError `bad-picture` when the bytes are not a whole number of images.
 */
export function grayTensor(bytes: ArrayLike<number>, preprocessing: Preprocessing): Tensor {
  const { size, channels, mean, std } = preprocessing
  const imageValues = channels * size * size
  const batch = bytes.length / imageValues
  if (!Number.isInteger(batch) || batch < 1) {
    fail(`${bytes.length} bytes are not whole images of ${size} × ${size} × ${channels}`)
  }
  const data = new Float32Array(bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    const channel = i % channels
    const image = Math.floor(i / imageValues)
    const pixel = Math.floor((i % imageValues) / channels)
    data[image * imageValues + channel * size * size + pixel] =
      ((bytes[i] as number) / 255 - (mean[channel] ?? 0)) / (std[channel] ?? 1)
  }
  return { shape: [batch, channels, size, size], data }
}

function checkPixels({ width, height, data }: Pixels): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    fail(`a size of ${width} × ${height} pixels is impossible`)
  }
  if (width * height > PICTURE_PIXELS_MAX) {
    fail(`${width} × ${height} pixels are more than ${PICTURE_PIXELS_MAX}; make it smaller`)
  }
  if (data.length !== width * height * 4) {
    fail(`${width} × ${height} pixels need ${width * height * 4} bytes, got ${data.length}`)
  }
}

function luminance(data: Pixels['data'], at: number): number {
  return (
    LUMA_RED * (data[at] as number) +
    LUMA_GREEN * (data[at + 1] as number) +
    LUMA_BLUE * (data[at + 2] as number)
  )
}

/**
 * The grey that is put behind transparent pixels. White is the convention; but for a model of
 * light objects, a light object is put on black, so that cutting it out never hides it.
 */
function groundOf({ data }: Pixels, foreground: Preprocessing['foreground']): number {
  if (foreground === 'any') return 255
  let light = 0
  let opacity = 0
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3] as number
    light += luminance(data, at) * alpha
    opacity += alpha
  }
  return light > MIDDLE_GREY * opacity ? 0 : 255
}

/** Channels over an opaque ground: luminance alone, or red, green and blue. */
function planesOf({ width, height, data }: Pixels, channels: 1 | 3, ground: number): Plane[] {
  return Array.from({ length: channels }, (_, channel) => {
    const plane = new Float32Array(width * height)
    for (let pixel = 0; pixel < plane.length; pixel++) {
      const value =
        channels === 1 ? luminance(data, pixel * 4) : (data[pixel * 4 + channel] as number)
      const alpha = (data[pixel * 4 + 3] as number) / 255
      plane[pixel] = value * alpha + ground * (1 - alpha)
    }
    return { width, height, data: plane }
  })
}

/** A picture on light ground: its outermost ring is light, and lighter than its middle half. */
function isDarkOnLight(plane: Plane): boolean {
  const { width, height } = plane
  const onRing = (x: number, y: number) => x === 0 || y === 0 || x === width - 1 || y === height - 1
  const inHalf = (at: number, length: number) => at >= length / 4 && at < (length * 3) / 4
  const border = meanWhere(plane, onRing)
  const middle = meanWhere(plane, (x, y) => inHalf(x, width) && inHalf(y, height))
  return border > MIDDLE_GREY && border > middle
}

/** Mean of the chosen pixels; NaN for none, which compares as false. */
function meanWhere(
  { width, height, data }: Plane,
  chosen: (x: number, y: number) => boolean,
): number {
  let sum = 0
  let count = 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!chosen(x, y)) continue
      sum += data[y * width + x] as number
      count++
    }
  }
  return sum / count
}

/**
 * Scales a plane to fit into a square, keeping its proportions, and centres it.
 * Each target pixel is the mean of the area it covers, so that thin lines survive shrinking.
 */
function contain(plane: Plane, size: number, padding: number): Float32Array {
  const scale = size / Math.max(plane.width, plane.height)
  const width = Math.max(1, Math.round(plane.width * scale))
  const height = Math.max(1, Math.round(plane.height * scale))
  const narrow = transpose(shrinkColumns(plane, width))
  const fitted = transpose(shrinkColumns(narrow, height)) // (height, width)
  const left = Math.floor((size - width) / 2)
  const top = Math.floor((size - height) / 2)
  const square = new Float32Array(size * size).fill(padding)
  for (let y = 0; y < height; y++) {
    const row = fitted.data.subarray(y * width, (y + 1) * width)
    square.set(row, (top + y) * size + left)
  }
  return square
}

/** Resamples every row to `width` values by area averaging. */
function shrinkColumns(plane: Plane, width: number): Plane {
  const step = plane.width / width
  const data = new Float32Array(width * plane.height)
  for (let x = 0; x < width; x++) {
    const from = x * step
    const to = Math.min(from + step, plane.width)
    for (let y = 0; y < plane.height; y++) {
      let sum = 0
      for (let at = Math.floor(from); at < to; at++) {
        const covered = Math.min(at + 1, to) - Math.max(at, from)
        sum += (plane.data[y * plane.width + at] as number) * covered
      }
      data[y * width + x] = sum / (to - from)
    }
  }
  return { width, height: plane.height, data }
}

function transpose({ width, height, data }: Plane): Plane {
  const turned = new Float32Array(data.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) turned[x * height + y] = data[y * width + x] as number
  }
  return { width: height, height: width, data: turned }
}
