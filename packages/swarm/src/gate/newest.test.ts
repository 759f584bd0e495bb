import { expect, test } from 'vitest'
import { PRESENCE_TTL_MS } from '../limits.ts'
import { createNewest } from './newest.ts'

test('lets an author say only newer things', () => {
  const newest = createNewest(10)
  expect(newest.take('a', 5n, 0)).toBe(true)
  expect(newest.take('a', 4n, 1)).toBe(false)
  expect(newest.take('a', 6n, 2)).toBe(true)
  expect(newest.take('b', 1n, 3)).toBe(true)
})

test('forgives a clock that was set back after the author was silent', () => {
  const newest = createNewest(10)
  newest.take('a', 5n, 0)
  expect(newest.take('a', 1n, PRESENCE_TTL_MS - 1)).toBe(false)
  expect(newest.take('a', 1n, PRESENCE_TTL_MS)).toBe(true)
})

test('remembers a bounded number of authors', () => {
  const newest = createNewest(4)
  for (const author of ['a', 'b', 'c', 'd']) newest.take(author, 9n, 0)
  expect(newest.take('a', 1n, 0)).toBe(true)
  expect(newest.take('d', 1n, 0)).toBe(false)
})
