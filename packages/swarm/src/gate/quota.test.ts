import { expect, test } from 'vitest'
import { createQuota } from './quota.ts'

test('grants a burst, then the rate', () => {
  const quota = createQuota({ perSecond: 10, burst: 3, namesMax: 10 })
  const taken = (nowMs: number) => quota.take('a', nowMs)
  expect([taken(0), taken(0), taken(0), taken(0)]).toEqual([true, true, true, false])
  expect([taken(100), taken(100)]).toEqual([true, false])
  expect(quota.take('b', 100)).toBe(true)
})

test('takes several at once, or none of them', () => {
  const quota = createQuota({ perSecond: 10, burst: 10, namesMax: 10 })
  expect([quota.take('a', 0, 7), quota.take('a', 0, 7), quota.take('a', 0, 3)]).toEqual([
    true,
    false,
    true,
  ])
  expect(quota.take('a', 700, 7)).toBe(true)
})

test('never saves up more than a burst', () => {
  const quota = createQuota({ perSecond: 10, burst: 2, namesMax: 10 })
  quota.take('a', 0)
  const granted = Array.from({ length: 5 }, () => quota.take('a', 1e6)).filter(Boolean)
  expect(granted).toHaveLength(2)
})

test('forgets the longest unused names when there are too many, and never those used last', () => {
  const quota = createQuota({ perSecond: 1, burst: 1, namesMax: 4 })
  for (const name of ['a', 'b', 'c', 'd']) quota.take(name, 0)
  expect([quota.take('c', 0), quota.take('d', 0)]).toEqual([false, false])
  expect(quota.take('a', 0)).toBe(true)
})

test('starves nobody when the clock is set back', () => {
  const quota = createQuota({ perSecond: 10, burst: 2, namesMax: 10 })
  for (let taken = 0; taken < 2; taken++) quota.take('a', 1e6)
  expect(quota.take('a', 0)).toBe(false)
  expect(quota.take('a', 100)).toBe(true)
  expect(quota.take('b', 1e6)).toBe(true)
  expect(quota.take('b', 0)).toBe(true)
})
