import { describe, expect, test } from 'vitest'
import type { Random } from '../ports.ts'
import { failing } from './acceptance-breaks.ts'
import { randomAcceptance } from './random-acceptance.ts'
import { SeededRandom } from './seeded-random.ts'

describe('seeded randomness is a source of randomness: it', () => {
  for (const { name, run } of randomAcceptance(() => new SeededRandom(3))) test(name, run)
})

test('the suite of randomness catches one that repeats itself, counts wrong, or gives the same array', async () => {
  const seeded = new SeededRandom(1)
  const always: Random = { bytes: (count) => new Uint8Array(count).fill(7) }
  const short: Random = { bytes: (count) => new SeededRandom(1).bytes(Math.max(0, count - 1)) }
  const one = new Uint8Array(10_000)
  const shared: Random = {
    bytes(count) {
      one.set(seeded.bytes(count))
      return one.subarray(0, count)
    },
  }
  expect(await failing(randomAcceptance(() => always))).toContain('gives other bytes each time')
  expect(await failing(randomAcceptance(() => shared))).toContain(
    'gives bytes that stay as they were when more are drawn',
  )
  expect(await failing(randomAcceptance(() => short))).toContain(
    'gives as many bytes as it is asked for',
  )
})
