import { expect, test } from 'vitest'
import { BURST_LAYERS, WORK_SHARE } from './limits.ts'
import { type Need, WorkBudget } from './work-budget.ts'

/** How many single layers are to be had at once. */
function takeAll(budget: WorkBudget, need: Need = 'stranger'): number {
  let taken = 0
  while (budget.take(1, need)) taken++
  return taken
}

test('a burst, and then a share of what is run for this member', () => {
  const budget = new WorkBudget()
  expect(takeAll(budget)).toBe(BURST_LAYERS)
  let taken = 0
  for (let i = 0; i < 1_000; i++) {
    budget.earned(1)
    taken += takeAll(budget)
  }
  expect(Math.abs(taken - 1_000 * WORK_SHARE)).toBeLessThanOrEqual(1)
})

test('what was not spent is kept up to a burst', () => {
  const budget = new WorkBudget()
  for (let i = 0; i < 10_000; i++) budget.earned(8)
  expect(takeAll(budget)).toBe(BURST_LAYERS)
})

test('what is urgent may borrow a burst', () => {
  const budget = new WorkBudget()
  takeAll(budget)
  expect(takeAll(budget, 'urgent')).toBe(BURST_LAYERS)
})

test('half of a burst is left to strangers', () => {
  const budget = new WorkBudget()
  expect(takeAll(budget, 'known')).toBe(BURST_LAYERS / 2)
  expect(takeAll(budget)).toBe(BURST_LAYERS / 2)
})
