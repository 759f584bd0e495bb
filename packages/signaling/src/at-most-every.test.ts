import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { atMostEvery } from './at-most-every.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('what is made at most every second is the same for all who ask within one', () => {
  const make = vi.fn(() => ({}))
  const take = atMostEvery(1_000, make)
  const first = take()
  vi.advanceTimersByTime(999)
  expect(take()).toBe(first)
  expect(make).toHaveBeenCalledOnce()
  vi.advanceTimersByTime(1)
  expect(take()).not.toBe(first)
  expect(make).toHaveBeenCalledTimes(2)
})
