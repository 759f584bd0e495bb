import { DRAWING_SAMPLES_PER_SIDE } from '../limits.ts'
import type { RandomStream } from '../random.ts'

/** A square picture that code draws on; values 0 … 1. */
export interface Canvas {
  readonly size: number
  readonly channels: number
  /** (size, size, channels) */
  readonly values: Float32Array
}

/** One value per channel, 0 … 1. */
export type Colour = readonly number[]

/** Whether a point is part of a shape; 0 … 1 is the whole picture, y from the top. */
export type Shape = (x: number, y: number) => boolean

/** A picture of one colour. */
export function createCanvas(size: number, channels: number, ground: Colour): Canvas {
  const values = Float32Array.from(
    { length: size * size * channels },
    (_, at) => ground[at % channels] ?? 0,
  )
  return { size, channels, values }
}

/** Fills a shape; pixels on its edge are mixed by how much of them it covers. */
export function fill({ size, channels, values }: Canvas, shape: Shape, colour: Colour): void {
  const step = 1 / (size * DRAWING_SAMPLES_PER_SIDE)
  for (let pixel = 0; pixel < size * size; pixel++) {
    const [left, top] = [(pixel % size) / size, Math.floor(pixel / size) / size]
    let hits = 0
    for (let sample = 0; sample < DRAWING_SAMPLES_PER_SIDE ** 2; sample++) {
      const column = sample % DRAWING_SAMPLES_PER_SIDE
      const row = Math.floor(sample / DRAWING_SAMPLES_PER_SIDE)
      if (shape(left + (column + 0.5) * step, top + (row + 0.5) * step)) hits++
    }
    const share = hits / DRAWING_SAMPLES_PER_SIDE ** 2
    for (let channel = 0; channel < channels; channel++) {
      const at = pixel * channels + channel
      values[at] = (1 - share) * (values[at] as number) + share * (colour[channel] ?? 0)
    }
  }
}

/** Changes every value by its place. @param change of the value and of the pixel's middle, 0 … 1. */
export function paint(
  { size, channels, values }: Canvas,
  change: (value: number, x: number, y: number, channel: number) => number,
): void {
  for (const [at, value] of values.entries()) {
    const pixel = Math.floor(at / channels)
    const [x, y] = [((pixel % size) + 0.5) / size, (Math.floor(pixel / size) + 0.5) / size]
    values[at] = change(value, x, y, at % channels)
  }
}

/** The picture as bytes (size, size, channels). */
export function bytesOf({ values }: Canvas): Uint8Array {
  return Uint8Array.from(values, (value) => Math.round(255 * Math.min(1, Math.max(0, value))))
}

/** A colour between two brightnesses. */
export function drawColour(
  random: RandomStream,
  channels: number,
  low: number,
  high: number,
): Colour {
  return Array.from({ length: channels }, () => between(random, low, high))
}

/** Uniform between two numbers. */
export function between(random: RandomStream, low: number, high: number): number {
  return low + (high - low) * random.next()
}

/** An ellipse by its middle and half its axes. */
export function disc(cx: number, cy: number, rx: number, ry = rx): Shape {
  return (x, y) => ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1
}

/** An upright rectangle. */
export function box(left: number, top: number, right: number, bottom: number): Shape {
  return (x, y) => x >= left && x <= right && y >= top && y <= bottom
}

/** A line with round ends from one point to another. */
export function stroke(from: Point, to: Point, width: number): Shape {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]]
  const length = dx * dx + dy * dy || 1
  return (x, y) => {
    const along = Math.min(1, Math.max(0, ((x - from[0]) * dx + (y - from[1]) * dy) / length))
    return Math.hypot(x - from[0] - along * dx, y - from[1] - along * dy) <= width / 2
  }
}

/** As shapes have it. */
export type Point = readonly [x: number, y: number]

/** What lies within a polygon, by the even-odd rule. */
export function polygon(points: readonly Point[]): Shape {
  return (x, y) => {
    let inside = false
    for (const [index, [ax, ay]] of points.entries()) {
      const [bx, by] = points[(index + 1) % points.length] as Point
      if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside
    }
    return inside
  }
}
