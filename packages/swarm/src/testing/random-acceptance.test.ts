import { describe, expect, test } from 'vitest'
import type { Random } from '../ports.ts'
import { failing } from './acceptance-breaks.ts'
import { randomAcceptance } from './random-acceptance.ts'
import { SeededRandom } from './seeded-random.ts'

describe('seeded randomness is a source of randomness: it', () => {
  for (const { name, run } of randomAcceptance(() => new SeededRandom(3), true)) test(name, run)
})

/** A source of randomness whose draws are changed. */
function changed(change: (bytes: Uint8Array) => Uint8Array): Random {
  const random = new SeededRandom(1)
  return { bytes: (count) => change(random.bytes(count)) }
}

/** The same draws of 16 bytes again and again. */
function cycle(length: number): Random {
  const random = new SeededRandom(5)
  const pool = Array.from({ length }, () => random.bytes(16))
  let drawn = 0
  return {
    bytes(count) {
      const bytes = pool[drawn++ % length]
      return count === 16 && bytes !== undefined ? bytes.slice() : random.bytes(count)
    },
  }
}

describe('the suite of randomness catches a source that', () => {
  const breaks: [string, () => Random, string][] = [
    [
      'repeats itself at once',
      () => changed((bytes) => bytes.fill(7)),
      'gives other bytes each time',
    ],
    ['repeats itself after 100 draws', () => cycle(100), 'gives other bytes each time'],
    ['repeats itself after 500 draws', () => cycle(500), 'gives other bytes each time'],
    [
      'gives the same array every time',
      () => {
        const one = new Uint8Array(10_000)
        return changed((bytes) => {
          one.set(bytes)
          return one.subarray(0, bytes.length)
        })
      },
      'gives bytes that stay as they were when more are drawn',
    ],
    [
      'counts wrong',
      () => changed((bytes) => bytes.subarray(1)),
      'gives as many bytes as it is asked for',
    ],
    [
      'gives the same sequence as every other',
      () => new SeededRandom(1),
      'gives other bytes than one made alike',
    ],
    [
      'gives two random bytes, then zeros',
      () => changed((bytes) => (bytes.length === 16 ? bytes.fill(0, 2) : bytes)),
      'gives many values at every place of a draw',
    ],
    [
      'begins every draw with a zero',
      () => changed((bytes) => bytes.fill(0, 0, 1)),
      'gives many values at every place of a draw',
    ],
  ]

  test.each(breaks)('%s', async (_, makeRandom, name) => {
    expect(await failing(randomAcceptance(makeRandom, false))).toContain(name)
  })

  test('is seeded and gives other bytes for the same seed', async () => {
    let made = 0
    const suite = randomAcceptance(() => new SeededRandom(++made), true)
    expect(await failing(suite)).toEqual(['gives the same bytes as one made alike'])
  })
})
