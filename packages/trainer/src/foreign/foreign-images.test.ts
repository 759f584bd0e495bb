import { describe, expect, test } from 'vitest'
import { createRandom } from '../random.ts'
import { FOREIGN_SETS, foreignSets } from './foreign-images.ts'

const SIZE = 8
const COUNT = 6

function needs(channels: number) {
  const random = createRandom(1, 'own')
  const own = Uint8Array.from({ length: 4 * SIZE * SIZE * channels }, () => random.below(256))
  return { size: SIZE, channels, own, count: COUNT, seed: 1 }
}

describe('foreign pictures', () => {
  test.each([1, 3])('of %d channels are as many as asked, each set another', (channels) => {
    const sets = foreignSets(needs(channels))
    expect(sets.map(({ name }) => name)).toEqual(FOREIGN_SETS)
    for (const { name, pixels } of sets) {
      expect(pixels, name).toHaveLength(COUNT * SIZE * SIZE * channels)
      expect(new Set(pixels).size, `${name} is of one colour`).toBeGreaterThan(1)
    }
    expect(new Set(sets.map(({ pixels }) => pixels.join())).size).toBe(sets.length)
  })

  test('are the same for the same seed, and others for another', () => {
    expect(foreignSets(needs(1))).toEqual(foreignSets(needs(1)))
    expect(foreignSets({ ...needs(1), seed: 2 })[0]).not.toEqual(foreignSets(needs(1))[0])
  })

  test('that are made of own ones keep their pixels in other places, or turned round', () => {
    const given = needs(3)
    const sets = new Map(foreignSets(given).map(({ name, pixels }) => [name, pixels]))
    const bytes = SIZE * SIZE * 3
    const own = given.own.subarray(0, bytes)
    const first = (name: string) => sets.get(name)?.subarray(0, bytes) ?? new Uint8Array()
    expect(first('inverted')).toEqual(own.map((value) => 255 - value))
    for (const name of ['rotated', 'jigsaw']) {
      expect(first(name), name).not.toEqual(own)
      expect(first(name).toSorted(), name).toEqual(own.toSorted())
    }
    // A quarter: the corner pixel is at the next corner or the one before it.
    const corners = [SIZE - 1, SIZE * (SIZE - 1)].map((pixel) =>
      first('rotated')
        .subarray(3 * pixel, 3 * pixel + 3)
        .join(),
    )
    expect(corners).toContain(own.subarray(0, 3).join())
  })
})
