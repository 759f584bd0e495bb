import { ModelError } from './errors.ts'
import { foregroundOf } from './foreground.ts'
import {
  DECODED_TIMES_MIN,
  PICTURE_PIXELS_MAX,
  PICTURE_SIDE_PIXELS_MAX,
  PICTURE_WHOLE_PIXELS_MAX,
} from './limits.ts'
import { type Fill, type Preprocessing, resizeOf } from './preprocessing.ts'
import { type Raster, resample, type Side } from './resample.ts'
import type { Tensor } from './tensor.ts'

/** A decoded picture, 4 bytes per pixel (red, green, blue, alpha), row by row: a canvas's ImageData. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray
  /** Width and height before it was shrunk while it was decoded; its own where it was not. */
  readonly whole?: { readonly width: number; readonly height: number }
}

/** What a picture is prepared by; mean and deviation come after it, in `grayTensor`. */
export type Preparation = Pick<
  Preprocessing,
  'size' | 'channels' | 'mean' | 'foreground' | 'resize' | 'rescale'
>

function fail(message: string): never {
  throw new ModelError({ code: 'bad-picture' }, `picture: ${message}`)
}

/**
 * Turns a picture into the stem's input (1, channels, size, size): what `preparePicture` makes of
 * it, normalised. @throws ModelError `bad-picture`.
 */
export function imageTensor(pixels: Pixels, preprocessing: Preprocessing): Tensor {
  return grayTensor(preparePicture(pixels, preprocessing), preprocessing)
}

/**
 * Turns a picture into an image of the model's size, bytes (size, size, channels): puts transparent
 * pixels on a ground, takes the luminance when the model has one channel, inverts what is the other
 * way round than what the model learned, resizes, cuts. Training, measuring and asking all go
 * through it. @throws ModelError `bad-picture`.
 */
export function preparePicture(pixels: Pixels, preparation: Preparation): Uint8Array {
  checkPixels(pixels)
  const { channels, foreground } = preparation
  if (channels !== 1 && channels !== 3) fail(`a model of ${channels} channels sees no pictures`)
  const raster = flattened(pixels, channels, foreground === 'any' ? 255 : groundOf(pixels))
  if (foreground !== 'any') {
    const shown = foregroundOf(channels === 1 ? raster : flattened(pixels, 1, groundOf(pixels)))
    if (shown !== 'any' && shown !== foreground) invert(raster.data)
  }
  return resized(raster, pixels, preparation)
}

/** Fits a raster into the square: bytes (size, size, channels). */
function resized(raster: Raster, pixels: Pixels, preparation: Preparation): Uint8Array {
  const { size, channels } = preparation
  const resize = resizeOf(preparation)
  const wanted = wantedSize(preparation, pixels.whole ?? pixels)
  const [across, left] = sideOf(wanted.width, size)
  const [down, top] = sideOf(wanted.height, size)
  const filter = resize.mode === 'none' ? 'nearest' : resize.filter
  const { width, height, data } = resample(raster, across, down, filter)
  if (width === size && height === size) return data
  const fill = bytesOfFill(resize.mode === 'letterbox' ? resize.fill : 'black', preparation)
  const square = new Uint8Array(size * size * channels)
  for (let i = 0; i < square.length; i++) square[i] = fill[i % channels] as number
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width * channels, (y + 1) * width * channels)
    square.set(row, ((top + y) * size + left) * channels)
  }
  return square
}

/**
 * One side of the middle that is kept, and where it begins in the square: what is longer is cut, what
 * is shorter surrounded, with offsets rounded down.
 */
function sideOf(wanted: number, size: number): [side: Side, place: number] {
  const offset = Math.floor((wanted - size) / 2)
  const from = Math.max(0, offset)
  const to = Math.min(wanted, offset + size)
  return [{ wanted, from, to }, from - offset]
}

/**
 * What a picture shows, as `Preprocessing.foreground` has it: light things on dark ground, dark ones
 * on light ground, or `any`. @throws ModelError `bad-picture`.
 */
export function foregroundOfPicture(pixels: Pixels): 'light' | 'dark' | 'any' {
  checkPixels(pixels)
  return foregroundOf(flattened(pixels, 1, groundOf(pixels)))
}

/**
 * By how much a decoder may shrink a picture of this size, 1, 2, 4 or 8: pictures of up to four
 * million pixels not at all, others so that the filter still has three pixels for each that it makes.
 */
export function decodedShrink(
  picture: { readonly width: number; readonly height: number },
  preparation: Preparation,
): number {
  if (picture.width * picture.height <= PICTURE_WHOLE_PIXELS_MAX) return 1
  // Without a resize the pixels themselves are wanted.
  if (resizeOf(preparation).mode === 'none') return 1
  const { width, height } = wantedSize(preparation, picture)
  const times = Math.min(picture.width / width, picture.height / height) / DECODED_TIMES_MIN
  return [8, 4, 2].find((factor) => times >= factor) ?? 1
}

/**
 * Turns images that have the model's size, as a data set or `preparePicture` has them, into the stem's
 * input: no resizing, no inversion. Bytes (B, size, size, channels) → (B, channels, size, size).
 * @throws ModelError `bad-picture` when the bytes are not a whole number of images.
 */
export function grayTensor(bytes: ArrayLike<number>, preprocessing: Preprocessing): Tensor {
  const { size, channels } = preprocessing
  const imageValues = channels * size * size
  const batch = bytes.length / imageValues
  if (!Number.isInteger(batch) || batch < 1) {
    fail(`${bytes.length} bytes are not whole images of ${size} × ${size} × ${channels}`)
  }
  const normalised = normalisedBytes(preprocessing)
  const data = new Float32Array(bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    const channel = i % channels
    const image = Math.floor(i / imageValues)
    const pixel = Math.floor((i % imageValues) / channels)
    data[image * imageValues + channel * size * size + pixel] = normalised[
      channel * 256 + (bytes[i] as number)
    ] as number
  }
  return { shape: [batch, channels, size, size], data }
}

/** What becomes of each byte of each channel, (channels, 256): byte · rescale, less the mean, by the deviation. */
export function normalisedBytes({
  channels,
  mean,
  std,
  rescale,
}: Pick<Preprocessing, 'channels' | 'mean' | 'std' | 'rescale'>): Float32Array {
  return Float32Array.from({ length: channels * 256 }, (_, entry) => {
    const channel = Math.floor(entry / 256)
    const byte = entry % 256
    const value = rescale === undefined ? byte / 255 : byte * rescale
    return (value - (mean[channel] ?? 0)) / (std[channel] ?? 1)
  })
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

/** The size that a picture is resized to, before it is cut or surrounded. */
function wantedSize(
  preparation: Preparation,
  { width, height }: { readonly width: number; readonly height: number },
): { width: number; height: number } {
  const resize = resizeOf(preparation)
  const side = (pixels: number): number => Math.min(PICTURE_SIDE_PIXELS_MAX, Math.max(1, pixels))
  switch (resize.mode) {
    case 'none':
      return { width, height }
    case 'stretch':
      return resize
    case 'shortest-edge': {
      const { edge } = resize
      return width < height
        ? { width: edge, height: Math.trunc((edge * height) / width) }
        : { width: Math.trunc((edge * width) / height), height: edge }
    }
    case 'letterbox': {
      const scale = preparation.size / Math.max(width, height)
      return { width: side(Math.round(width * scale)), height: side(Math.round(height * scale)) }
    }
    default:
      return resize satisfies never
  }
}

/** The bytes of a fill, by channel. */
function bytesOfFill(fill: Fill, { channels, mean, rescale }: Preparation): number[] {
  const grey = {
    black: () => 0,
    white: () => 255,
    mean: (at: number) => (mean[at] ?? 0) / (rescale ?? 1 / 255),
  }[fill]
  return Array.from({ length: channels }, (_, channel) => Math.round(grey(channel)))
}

function invert(data: Uint8Array): void {
  for (let i = 0; i < data.length; i++) data[i] = 255 - (data[i] as number)
}

/** Luminance of ITU-R BT.601 in 16-bit fixed point, as Pillow converts to grey. */
function luminance(data: Pixels['data'], at: number): number {
  return (
    ((data[at] as number) * 19_595 +
      (data[at + 1] as number) * 38_470 +
      (data[at + 2] as number) * 7_471 +
      0x8000) >>
    16
  )
}

/**
 * The grey that is put behind transparent pixels for a model of objects on plain ground: black behind
 * a light object, white behind a dark one, so that cutting it out never hides it. For a model of
 * anything white is the convention.
 */
function groundOf({ data }: Pixels): number {
  let light = 0
  let opacity = 0
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3] as number
    light += luminance(data, at) * alpha
    opacity += alpha
  }
  return light > 127.5 * opacity ? 0 : 255
}

/** Channels over an opaque ground: luminance alone, or red, green and blue. */
function flattened({ width, height, data }: Pixels, channels: 1 | 3, ground: number): Raster {
  const flat = new Uint8Array(width * height * channels)
  for (let pixel = 0; pixel < width * height; pixel++) {
    const at = pixel * 4
    const alpha = data[at + 3] as number
    for (let channel = 0; channel < channels; channel++) {
      const value = channels === 1 ? luminance(data, at) : (data[at + channel] as number)
      flat[pixel * channels + channel] =
        alpha === 255 ? value : Math.round((value * alpha + ground * (255 - alpha)) / 255)
    }
  }
  return { width, height, channels, data: flat }
}
