import type { Raster } from './resample.ts'

const MIDDLE_GREY = 127.5

/**
 * What a grey picture shows: `light` on dark ground, when its outermost ring is dark and darker than
 * its middle half; `dark` on light ground, when that ring is light and lighter; else `any`.
 * @param grey one channel.
 */
export function foregroundOf(grey: Raster): 'light' | 'dark' | 'any' {
  const { width, height } = grey
  const onRing = (y: number): Stretch[] =>
    y === 0 || y === height - 1
      ? [[0, width]]
      : width === 1
        ? [[0, 1]]
        : [
            [0, 1],
            [width - 1, width],
          ]
  const rows = half(height)
  const columns = half(width)
  const inMiddle = (y: number): Stretch[] => (y >= rows[0] && y < rows[1] ? [columns] : [])
  const ring = meanOver(grey, onRing)
  const middle = meanOver(grey, inMiddle)
  if (ring > MIDDLE_GREY && ring > middle) return 'dark'
  return ring < MIDDLE_GREY && ring < middle ? 'light' : 'any'
}

/** From a place up to another, which is not in it. */
type Stretch = readonly [from: number, to: number]

/** The middle half of a length. */
function half(length: number): Stretch {
  return [Math.ceil(length / 4), Math.ceil((length * 3) / 4)]
}

/** Mean of the stretches of every row; NaN for none, which compares as false. */
function meanOver({ width, height, data }: Raster, of: (y: number) => readonly Stretch[]): number {
  let sum = 0
  let count = 0
  for (let y = 0; y < height; y++) {
    for (const [from, to] of of(y)) {
      for (let x = from; x < to; x++) sum += data[y * width + x] as number
      count += to - from
    }
  }
  return sum / count
}
