import { describe, expect, test } from 'vitest'
import { World } from '../testing/world.ts'
import { directHandOver } from './direct.ts'
import { gossip } from './gossip.ts'
import type { ClaimPolicy } from './policy.ts'
import { policyFault } from './policy-fault.ts'

describe('a claim policy', () => {
  test.each([gossip, directHandOver('few'), directHandOver('lane')])(
    '$name has no fault',
    (policy) => expect(policyFault(policy)).toBeUndefined(),
  )

  test.each<[Partial<ClaimPolicy>, string]>([
    [{ visitLayers: 0 }, 'must have visitLayers from 1 to 64, not 0'],
    [{ visitLayers: 1.5 }, 'not 1.5'],
    [{ delayMs: () => Number.NaN }, 'has delayMs(0, 40) = NaN, which is no time to wait'],
    [{ delayMs: (ahead) => -ahead }, 'delayMs(1, 40) = -1'],
    [{ rank: (_, __, { peer }) => ({ ahead: Number.NaN, favourite: peer }) }, 'behind NaN others'],
    [{ order: () => [] }, 'must order the layers 0, 1, 2 and gives none'],
    [{ order: (layers) => [...layers, 7] }, 'gives 0, 1, 2, 7'],
  ])('%j is refused before a member is made with it', (broken, line) => {
    const policy = { ...gossip, name: 'mine', ...broken }
    expect(() => new World().join('a', { policy })).toThrow(`the claim policy "mine"`)
    expect(() => new World().join('a', { policy })).toThrow(line)
  })
})
