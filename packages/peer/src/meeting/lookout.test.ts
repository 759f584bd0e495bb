import { expect, test } from 'vitest'
import { Lookout } from './lookout.ts'

const LONG_MS = 60_000
const never = () => false

test('looks when it is told to, and ends when it holds', async () => {
  const lookout = new Lookout()
  let [isThere, looks] = [false, 0]
  const waiting = lookout.until(
    () => {
      looks++
      return isThere
    },
    LONG_MS,
    new AbortController().signal,
  )
  lookout.again()
  isThere = true
  lookout.again()
  await waiting
  expect(looks).toBe(3)
  lookout.again()
  expect(looks).toBe(3)
})

test('ends by its time or by its signal, and does not begin after either', async () => {
  const lookout = new Lookout()
  const given = new AbortController()
  await lookout.until(never, 1, given.signal)
  await lookout.until(never, 0, given.signal)
  const waiting = lookout.until(never, LONG_MS, given.signal)
  given.abort()
  await waiting
  await lookout.until(never, LONG_MS, given.signal)
})
