import { expect, test } from 'vitest'
import { createBans } from './bans.ts'

test('keeps a peer away for the given time', () => {
  const bans = createBans({ durationMs: 100, peersMax: 10 })
  bans.add('a', 0)
  expect(bans.has('a', 99)).toBe(true)
  expect(bans.has('b', 99)).toBe(false)
  expect(bans.has('a', 100)).toBe(false)
})

test('drops the oldest ban when there are too many', () => {
  const bans = createBans({ durationMs: 100, peersMax: 2 })
  for (const peer of ['a', 'b', 'c']) bans.add(peer, 0)
  expect(['a', 'b', 'c'].map((peer) => bans.has(peer, 1))).toEqual([false, true, true])
})
