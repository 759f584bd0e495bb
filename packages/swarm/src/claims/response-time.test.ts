import { expect, test } from 'vitest'
import { ResponseTime } from './response-time.ts'

test('a steady lane is trusted to answer in its usual time', () => {
  const time = new ResponseTime()
  for (let i = 0; i < 50; i++) time.observe(100)
  expect(time.patienceMs(40, 1_000)).toBeCloseTo(100, 0)
})

test('an unsteady lane is given more than its mean', () => {
  const time = new ResponseTime()
  for (let i = 0; i < 200; i++) time.observe(i % 2 === 0 ? 50 : 150)
  expect(time.patienceMs(40, 1_000)).toBeGreaterThan(200)
})

test('patience stays within its bounds, before the first answer too', () => {
  const time = new ResponseTime()
  expect(time.patienceMs(40, 500)).toBe(40)
  time.observe(10_000)
  expect(time.patienceMs(40, 500)).toBe(500)
})
