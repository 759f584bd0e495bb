import { expect, test } from 'vitest'
import { CLASSIFY_POLICY_DEFAULT } from '../request.ts'
import type { RequestId } from '../wire/messages.ts'
import { Openings } from './openings.ts'

const [one, other] = ['1', '2'].map((digit) => digit.repeat(32)) as [RequestId, RequestId]
const within = (deadlineMs: number) => ({ ...CLASSIFY_POLICY_DEFAULT, deadlineMs })

test('a request waits for its first tensor from the call to its deadline', () => {
  const openings = new Openings()
  expect(openings.wakeAtMs()).toBe(Number.POSITIVE_INFINITY)
  openings.begin(one, within(500), 100)
  openings.begin(other, within(50), 200)
  expect(openings.size).toBe(2)
  expect(openings.wakeAtMs()).toBe(250)
  expect(openings.takeDue(249)).toEqual([])
  expect(openings.takeDue(250)).toEqual([[other, 50]])
  expect(openings.takeDue(600)).toEqual([[one, 500]])
  expect(openings.size).toBe(0)
})

test('a request whose tensor is here is told when it was asked, once', () => {
  const openings = new Openings()
  openings.begin(one, within(500), 100)
  expect(openings.take(one)).toEqual({ policy: within(500), startedMs: 100 })
  expect(openings.take(one)).toBeUndefined()
  expect([openings.size, openings.takeDue(1_000)]).toEqual([0, []])
})
