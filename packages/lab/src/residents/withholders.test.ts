import { expect, test } from 'vitest'
import { simulate } from '../simulate.ts'

test('of those who hand no result to anybody it is soon known: everybody is answered, almost all with all layers, and most at once', () => {
  let partial = 0
  for (const seed of [2, 3, 4]) {
    const options = {
      peers: 20,
      requests: 120,
      seed,
      policy: 'any-order',
      accuracy: false,
    } as const
    const { policies, broken } = simulate('withholders25', options)
    const row = policies['any-order']
    expect(row?.answeredShare).toBe(1)
    partial += (row?.partialShare ?? 1) * options.requests
    expect(row?.p50Ms).toBeLessThan(600)
    expect(broken).toBe(0)
  }
  // Of 360; ten to fifteen where nobody finds them out.
  expect(partial).toBeLessThanOrEqual(3)
}, 120_000)
