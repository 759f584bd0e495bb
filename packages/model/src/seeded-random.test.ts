import { expect, test } from 'vitest'
import { mulberry32 } from './seeded-random.ts'

const words = (seed: number) => {
  const next = mulberry32(seed)
  return [next(), next(), next()].map((value) => value * 2 ** 32)
}

test('a seed gives the same numbers for ever, so that every recorded run can be replayed', () => {
  expect(words(1)).toEqual([2693262067, 11749833, 2265367787])
})

test('only the lowest 32 bits of a seed count', () => {
  expect(words(2 ** 32 + 1)).toEqual(words(1))
  expect(words(-1)).toEqual(words(2 ** 32 - 1))
  expect(words(2)).not.toEqual(words(1))
})
