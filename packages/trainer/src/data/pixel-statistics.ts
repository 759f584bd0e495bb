import { PIXEL_STD_MIN } from '../limits.ts'

/** Mean and deviation by channel, on a scale from 0 to 1. @param pixels 0 … 255, channels together. */
export function pixelStatistics(
  pixels: Uint8Array,
  channels: 1 | 3,
): { mean: number[]; std: number[] } {
  const sums = Array.from({ length: channels }, () => ({ plain: 0, squared: 0 }))
  for (let i = 0; i < pixels.length; i++) {
    const sum = sums[i % channels]
    const value = (pixels[i] as number) / 255
    if (sum === undefined) continue
    sum.plain += value
    sum.squared += value * value
  }
  const count = pixels.length / channels
  const mean = sums.map(({ plain }) => plain / count)
  const std = sums.map(({ squared }, channel) =>
    Math.max(PIXEL_STD_MIN, Math.sqrt(Math.max(0, squared / count - (mean[channel] ?? 0) ** 2))),
  )
  return { mean, std }
}
