import { FILTER_WEIGHT_BITS } from './limits.ts'
import type { Filter } from './preprocessing.ts'

/** Bytes of a picture (height, width, channels), row by row. */
export interface Raster {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly data: Uint8Array
}

/** How far a filter reaches from its centre where nothing shrinks, and what it weighs there. */
interface Kernel {
  readonly support: number
  weight(x: number): number
}

/** The filters of Pillow (src/libImaging/Resample.c). */
const KERNELS: Readonly<Record<Exclude<Filter, 'nearest' | 'area'>, Kernel>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weight: (x) => (Math.abs(x) >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x))),
  },
  // Keys' cubic with a = −0.5 (https://ieeexplore.ieee.org/document/1163711).
  bicubic: {
    support: 2,
    weight(signed) {
      const x = Math.abs(signed)
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
}

/** Which pixels of a line make up each pixel of the resized one, and with which weights. */
interface Taps {
  /** By target pixel, the first source pixel. */
  readonly first: Int32Array
  /** By target pixel, the first after it that is not among them. */
  readonly last: Int32Array
  /** (target pixels, `most`) fixed-point. */
  readonly weights: Int32Array
  readonly most: number
}

/** One side of a resize. */
export interface Side {
  /** Pixels that the side gets. */
  readonly wanted: number
  /** Of those, the first that is made, and the first that is not any more. */
  readonly from: number
  readonly to: number
}

/**
 * Resizes a picture as Pillow does: rows first, then columns, with a filter whose support grows as
 * the picture shrinks, and rounding to a byte after each pass. A pass that changes nothing is left
 * out, and so is what is not wanted of the result.
 */
export function resample(raster: Raster, across: Side, down: Side, filter: Filter): Raster {
  const rows = tapsOf(filter, raster.height, down)
  const [top, bottom] = [Math.min(...rows.first), Math.max(...rows.last)]
  const strip = {
    ...raster,
    height: bottom - top,
    data: raster.data.subarray(...bytesOf(raster, top, bottom)),
  }
  const narrow = isWhole(across, raster.width)
    ? strip
    : resampleRows(strip, tapsOf(filter, raster.width, across))
  if (isWhole(down, raster.height)) return narrow
  return resampleColumns(narrow, shifted(rows, top))
}

/** The same where the raster begins at row `top`. */
function shifted({ first, last, ...weights }: Taps, top: number): Taps {
  return { ...weights, first: first.map((row) => row - top), last: last.map((row) => row - top) }
}

function bytesOf({ width, channels }: Raster, top: number, bottom: number): [number, number] {
  return [top * width * channels, bottom * width * channels]
}

function isWhole({ wanted, from, to }: Side, length: number): boolean {
  return wanted === length && from === 0 && to === length
}

function tapsOf(filter: Filter, length: number, { wanted, from, to }: Side): Taps {
  const scale = length / wanted
  const places = Array.from({ length: to - from }, (_, i) => from + i)
  if (filter === 'nearest') {
    return packed(places.map((at) => [Math.min(length - 1, Math.floor((at + 0.5) * scale)), [1]]))
  }
  if (filter === 'area') return packed(places.map((at) => areaOf(at * scale, scale, length)))
  const { support, weight } = KERNELS[filter]
  const widened = Math.max(1, scale)
  const reach = support * widened
  return packed(
    places.map((at) => {
      const centre = (at + 0.5) * scale
      const first = Math.max(0, Math.trunc(centre - reach + 0.5))
      const last = Math.min(length, Math.trunc(centre + reach + 0.5))
      const weights = Array.from({ length: last - first }, (_, i) =>
        weight((first + i - centre + 0.5) / widened),
      )
      return [first, weights]
    }),
  )
}

/** The share of each pixel that lies between `from` and `from + length`. */
function areaOf(from: number, covered: number, length: number): [number, number[]] {
  const first = Math.floor(from)
  const to = Math.min(from + covered, length)
  const weights: number[] = []
  for (let at = first; at < to; at++) weights.push(Math.min(at + 1, to) - Math.max(at, from))
  return [first, weights]
}

/** Weights that add up to 1, as whole numbers of 2^−22. @param lists by target pixel, the first source pixel and the weights. */
function packed(lists: readonly (readonly [first: number, weights: readonly number[]])[]): Taps {
  const most = Math.max(...lists.map(([, weights]) => weights.length))
  const weights = new Int32Array(lists.length * most)
  for (const [at, [, own]] of lists.entries()) {
    const sum = own.reduce((total, weight) => total + weight, 0)
    for (const [i, weight] of own.entries()) {
      // Half away from zero, as C rounds there.
      const fixed = (weight / sum) * 2 ** FILTER_WEIGHT_BITS
      weights[at * most + i] = Math.trunc(fixed + (fixed < 0 ? -0.5 : 0.5))
    }
  }
  return {
    first: Int32Array.from(lists, ([first]) => first),
    last: Int32Array.from(lists, ([first, own]) => first + own.length),
    weights,
    most,
  }
}

const HALF = 2 ** (FILTER_WEIGHT_BITS - 1)

function toByte(sum: number): number {
  const value = sum >> FILTER_WEIGHT_BITS
  return Math.max(0, Math.min(255, value))
}

function resampleRows({ width, height, channels, data }: Raster, taps: Taps): Raster {
  const { first, last, weights, most } = taps
  const wanted = first.length
  const narrow = new Uint8Array(wanted * height * channels)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < wanted; x++) {
      const from = (y * width + (first[x] as number)) * channels
      const taken = (last[x] as number) - (first[x] as number)
      for (let channel = 0; channel < channels; channel++) {
        let sum = HALF
        let at = from + channel
        for (let i = 0; i < taken; i++, at += channels)
          sum += (data[at] as number) * (weights[x * most + i] as number)
        narrow[(y * wanted + x) * channels + channel] = toByte(sum)
      }
    }
  }
  return { width: wanted, height, channels, data: narrow }
}

function resampleColumns({ width, channels, data }: Raster, taps: Taps): Raster {
  const { first, last, weights, most } = taps
  const wanted = first.length
  const row = width * channels
  const low = new Uint8Array(wanted * row)
  for (let y = 0; y < wanted; y++) {
    const from = (first[y] as number) * row
    const taken = (last[y] as number) - (first[y] as number)
    for (let x = 0; x < row; x++) {
      let sum = HALF
      let at = from + x
      for (let i = 0; i < taken; i++, at += row)
        sum += (data[at] as number) * (weights[y * most + i] as number)
      low[y * row + x] = toByte(sum)
    }
  }
  return { width, height: wanted, channels, data: low }
}
