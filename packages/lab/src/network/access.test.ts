import { expect, test } from 'vitest'
import { Access } from './access.ts'

const access = () => new Access({ up: 10, down: 100 })

test('an uplink sends one after another, and rests while it has nothing to send', () => {
  const one = access()
  expect(one.takeUplink(100, 5)).toBe(15)
  expect(one.takeUplink(50, 6)).toBe(20)
  expect(one.uplinkWaitMs(12)).toBe(8)
  expect(one.takeUplink(50, 40)).toBe(45)
})

test('streams come one after another, each not before its first byte', () => {
  const one = access()
  expect(one.takeDownlink(1_000, 5)).toBe(15)
  expect(one.takeDownlink(1_000, 6)).toBe(25)
  expect(one.takeDownlink(1_000, 90)).toBe(100)
})

test('a reader begins when it has read what came before', () => {
  const one = access()
  expect(one.takeReader(3, 10)).toBeLessThanOrEqual(10)
  expect(one.takeReader(3, 11)).toBe(13)
  expect(one.takeReader(3, 12)).toBe(16)
})
