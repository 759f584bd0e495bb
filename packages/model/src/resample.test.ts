import { describe, expect, test } from 'vitest'
import { FILTERS } from './preprocessing.ts'
import { resample } from './resample.ts'

const whole = (wanted: number) => ({ wanted, from: 0, to: wanted })

/** One row of grey pixels. */
function row(...bytes: number[]) {
  return { width: bytes.length, height: 1, channels: 1, data: Uint8Array.from(bytes) }
}
const resized = (bytes: number[], wanted: number, filter: (typeof FILTERS)[number]) => [
  ...resample(row(...bytes), whole(wanted), whole(1), filter).data,
]

describe('a resized row', () => {
  test('is by hand what each filter makes of it', () => {
    expect(resized([0, 100, 200, 60], 2, 'nearest')).toEqual([100, 60])
    expect(resized([0, 100, 200, 60], 2, 'box')).toEqual([50, 130])
    // Half as wide a triangle reaches three pixels on each side: weights 3, 3 and 1 of 7 at the edge.
    expect(resized([0, 70, 140, 210], 2, 'bilinear')).toEqual([50, 160])
    // A third of 3 pixels is one and a half: the middle one is shared.
    expect(resized([0, 90, 240], 2, 'area')).toEqual([30, 190])
    expect(resized([10, 30], 4, 'bilinear')).toEqual([10, 15, 25, 30])
  })

  test('overshoots beside an edge only where the filter does, and never beyond a byte', () => {
    const edge = [50, 50, 50, 50, 200, 200, 200, 200]
    for (const filter of FILTERS) {
      const seen = resized(edge, 16, filter)
      const overshoots = Math.max(...seen) > 200
      expect(overshoots).toBe(filter === 'bicubic' || filter === 'lanczos')
    }
    expect(Math.max(...resized([0, 0, 255, 255], 8, 'lanczos'))).toBe(255)
  })
})

describe('a resized picture', () => {
  test.each(FILTERS)('of one colour stays so with %s, larger or smaller', (filter) => {
    const data = Uint8Array.from({ length: 7 * 5 * 3 }, (_, i) => [7, 128, 255][i % 3] ?? 0)
    for (const [width, height] of [
      [3, 2],
      [11, 13],
      [7, 9],
    ] as const) {
      const raster = { width: 7, height: 5, channels: 3, data }
      const { data: seen } = resample(raster, whole(width), whole(height), filter)
      expect([...seen]).toEqual(
        Array.from({ length: width * height * 3 }, (_, i) => [7, 128, 255][i % 3]),
      )
    }
  })

  test('is the same in part as it is whole', () => {
    const data = Uint8Array.from({ length: 40 * 30 }, (_, i) => (i * 97) % 256)
    const raster = { width: 40, height: 30, channels: 1, data }
    const all = resample(raster, whole(16), whole(12), 'lanczos')
    const part = resample(
      raster,
      { wanted: 16, from: 3, to: 8 },
      { wanted: 12, from: 5, to: 9 },
      'lanczos',
    )
    const expected = [5, 6, 7, 8].flatMap((y) => [...all.data.subarray(y * 16 + 3, y * 16 + 8)])
    expect([part.width, part.height, ...part.data]).toEqual([5, 4, ...expected])
  })
})
