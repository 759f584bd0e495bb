import type { Pixels } from '@layerswarm/model'
import { CROP_SIDE_PIXELS_MIN } from '../limits.ts'

/** A square part of a picture, in whole pixels of it. */
export interface Square {
  readonly left: number
  readonly top: number
  readonly side: number
}

type Size = Pick<Pixels, 'width' | 'height'>

/** The largest square, in the middle. */
export function middleSquare({ width, height }: Size): Square {
  const side = Math.min(width, height)
  return {
    left: Math.floor((width - side) / 2),
    top: Math.floor((height - side) / 2),
    side,
  }
}

/** The nearest square that lies within the picture. */
export function squareWithin(square: Square, { width, height }: Size): Square {
  const most = Math.min(width, height)
  const least = Math.min(most, CROP_SIDE_PIXELS_MIN)
  const side = Math.round(Math.min(most, Math.max(least, square.side)))
  const place = (from: number, length: number) =>
    Math.round(Math.min(length - side, Math.max(0, from)))
  return { left: place(square.left, width), top: place(square.top, height), side }
}

/** The same middle, another side. */
export function resizedSquare(square: Square, side: number, picture: Size): Square {
  const within = squareWithin({ ...square, side }, picture)
  const by = (square.side - within.side) / 2
  return squareWithin({ left: square.left + by, top: square.top + by, side: within.side }, picture)
}

/** The pixels of a square that lies within the picture. */
export function croppedPixels({ width, data }: Pixels, { left, top, side }: Square): Pixels {
  const cropped = new Uint8ClampedArray(4 * side * side)
  for (let y = 0; y < side; y++) {
    const from = 4 * ((top + y) * width + left)
    cropped.set(data.subarray(from, from + 4 * side), 4 * y * side)
  }
  return { width: side, height: side, data: cropped }
}
