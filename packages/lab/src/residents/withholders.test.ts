import { expect, test } from 'vitest'
import { simulate } from '../simulate.ts'

test('of those who hand no result to anybody it is soon known: everybody is answered with all layers, most at once', () => {
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
    expect(row).toMatchObject({ answeredShare: 1, partialShare: 0 })
    expect(row?.p50Ms).toBeLessThan(600)
    expect(broken).toBe(0)
  }
}, 120_000)
