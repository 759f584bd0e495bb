import { expect, test } from 'vitest'
import { sourcesOf } from './source-tree.ts'

/**
 * Who may ask what time it is by a clock that people and network time set: for the dates of certificates and
 * of files, to see that somebody has set it, and that a machine has slept.
 */
const BY_THE_WALL = [
  'packages/peer/src/gossip/gossip-clock.ts',
  'packages/peer/src/life/life.browser.ts',
  'packages/peer/src/store/cache.node.ts',
  'packages/signaling/src/certificate.ts',
  'packages/signaling/src/gossip-clock.ts',
]

test('limits and expiries of servers and peers go by a clock that nobody sets', () => {
  const found = ['packages/peer', 'packages/signaling', 'packages/swarm']
    .flatMap(sourcesOf)
    .filter(({ text }) => /\bDate\.now\(\)|\bnew Date\(\)/.test(text))
    .map(({ path }) => path)
  expect(found).toEqual(BY_THE_WALL)
})
