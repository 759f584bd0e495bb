import { expect, test } from 'vitest'
import { simulate } from '../simulate.ts'

test('hosts that nobody can try empty no layer: everybody is answered with all of them, and soon', () => {
  for (const seed of [2, 3, 5]) {
    const options = { peers: 20, requests: 60, seed, policy: 'any-order', accuracy: false } as const
    const { policies, broken } = simulate('hollow-hosts', options)
    const row = policies['any-order']
    expect(row).toMatchObject({ answeredShare: 1, partialShare: 0 })
    expect(row?.p95Ms).toBeLessThan(2_000)
    expect(broken).toBe(0)
  }
}, 60_000)
