import type { Pixels } from '@layerswarm/model'
import {
  COLOUR_MAX,
  GROUND_BRIGHTNESS_MIN,
  GROUND_REACH_MIN,
  GROUND_SHARE_MAX,
  GROUND_SHARE_MIN,
  GROUND_SPREAD_MAX,
} from '../limits.ts'

/**
 * A picture whose plain light ground is all white, and what stands on it is as it was: whoever learned light things
 * on black inverts it, and then sees black around them. The ground is what the edge shows, as far as it goes on
 * without a jump of colour.
 * @param pixels RGBA, width × height. @returns undefined where the edge is not plain and light, or nothing stands out.
 */
export function onWhite(pixels: Pixels): Pixels | undefined {
  const edge = edgeColour(pixels)
  if (edge === undefined) return undefined
  const isGround = spread(pixels, edge)
  const share = isGround.reduce((sum, one) => sum + one, 0) / isGround.length
  if (share < GROUND_SHARE_MIN || share > GROUND_SHARE_MAX) return undefined
  const data = new Uint8ClampedArray(pixels.data)
  for (let i = 0; i < isGround.length; i++)
    if (isGround[i] === 1) data.fill(COLOUR_MAX, 4 * i, 4 * i + 4)
  return { width: pixels.width, height: pixels.height, data }
}

interface EdgeColour {
  /** Red, green, blue, 0 to 255. */
  readonly mean: readonly [number, number, number]
  /** Pixels that differ from it by at most this belong to it. */
  readonly reach: number
}

/** The colour of the outermost ring; undefined where it is dark, transparent, or of several colours. */
function edgeColour({ width, height, data }: Pixels): EdgeColour | undefined {
  const ring = ringOf(width, height)
  const channel = (offset: number) => ring.map((pixel) => data[4 * pixel + offset] ?? 0)
  if (channel(3).some((alpha) => alpha < COLOUR_MAX)) return undefined
  const measured = [0, 1, 2].map((offset) => meanAndDeviation(channel(offset)))
  const deviation = Math.max(...measured.map((one) => one.deviation))
  const [red, green, blue] = measured.map(({ mean }) => mean) as [number, number, number]
  if (Math.min(red, green, blue) < GROUND_BRIGHTNESS_MIN || deviation > GROUND_SPREAD_MAX)
    return undefined
  return { mean: [red, green, blue], reach: Math.max(GROUND_REACH_MIN, 3 * deviation) }
}

/** Numbers of the pixels at the edge. */
function ringOf(width: number, height: number): number[] {
  const ring: number[] = []
  for (let y = 0; y < height; y++) {
    const step = y === 0 || y === height - 1 ? 1 : Math.max(1, width - 1)
    for (let x = 0; x < width; x += step) ring.push(y * width + x)
  }
  return ring
}

function meanAndDeviation(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, deviation: Math.sqrt(squares / values.length) }
}

/** 1 for each pixel of this colour that hangs together with the edge. */
function spread({ width, height, data }: Pixels, { mean, reach }: EdgeColour): Uint8Array {
  const isGround = new Uint8Array(width * height)
  const open: number[] = []
  const visit = (pixel: number) => {
    if (isGround[pixel] === 1) return
    const at = 4 * pixel
    if (mean.some((value, i) => Math.abs((data[at + i] ?? 0) - value) > reach)) return
    isGround[pixel] = 1
    open.push(pixel)
  }
  for (const pixel of ringOf(width, height)) visit(pixel)
  for (let pixel = open.pop(); pixel !== undefined; pixel = open.pop()) {
    const x = pixel % width
    if (x > 0) visit(pixel - 1)
    if (x < width - 1) visit(pixel + 1)
    if (pixel >= width) visit(pixel - width)
    if (pixel < width * (height - 1)) visit(pixel + width)
  }
  return isGround
}
