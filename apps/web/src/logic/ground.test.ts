import { preparePicture } from '@layerswarm/model'
import { expect, test } from 'vitest'
import { onWhite } from './ground.ts'

const SIDE = 40

/** A square of one colour on a ground of another, (red, green, blue) by place. */
function photo(colourAt: (x: number, y: number, isThing: boolean) => readonly number[]) {
  const data = new Uint8ClampedArray(4 * SIDE * SIDE)
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const isThing = x >= 10 && x < 30 && y >= 10 && y < 30
      data.set([...colourAt(x, y, isThing), 255], 4 * (y * SIDE + x))
    }
  return { width: SIDE, height: SIDE, data }
}

/** Grey paper with noise and a darker corner, and a blue thing on it with a light spot. */
const onPaper = photo((x, y, isThing) => {
  if (x === 20 && y === 20) return [210, 208, 200]
  if (isThing) return [40, 60, 140]
  const grey = 205 + ((x * 7 + y * 13) % 9) - Math.floor((x + y) / 8)
  return [grey, grey, grey - 4]
})

test('a plain light ground becomes white, and what stands on it stays as it is', () => {
  const { data } = onWhite(onPaper) ?? { data: [] }
  const at = (x: number, y: number) => [...data.slice(4 * (y * SIDE + x), 4 * (y * SIDE + x) + 3)]
  expect(at(0, 0)).toEqual([255, 255, 255])
  expect(at(39, 39)).toEqual([255, 255, 255])
  expect(at(15, 15)).toEqual([40, 60, 140])
  // It has the ground's colour, but does not hang together with it.
  expect(at(20, 20)).toEqual([210, 208, 200])
})

test('a model that learned light things on black then sees black around them', () => {
  const preparation = { size: 20, channels: 1, mean: [0.3], foreground: 'light' } as const
  const corner = (pixels: Parameters<typeof preparePicture>[0]) =>
    preparePicture(pixels, preparation)[0] ?? Number.NaN
  expect(corner(onPaper)).toBeGreaterThan(40)
  expect(corner(onWhite(onPaper) ?? onPaper)).toBe(0)
})

test.each([
  ['dark', photo((_x, _y, isThing) => (isThing ? [200, 200, 200] : [20, 20, 20]))],
  ['of several colours', photo((x) => (x % 8 < 4 ? [255, 255, 255] : [150, 150, 150]))],
  ['all there is', photo(() => [240, 240, 240])],
])('a ground that is %s is left as it is', (_what, pixels) => {
  expect(onWhite(pixels)).toBeUndefined()
})
