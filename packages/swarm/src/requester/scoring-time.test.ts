import { expect, test } from 'vitest'
import { anyStep, heldTensor } from '../testing/any-step.ts'
import type { PeerId } from '../wire/messages.ts'
import {
  HEAD_MS_MAX,
  HEAD_MS_MIN,
  HEAD_MS_UNKNOWN,
  PULL_MS_MAX,
  PULL_MS_MIN,
  PULL_MS_UNKNOWN,
} from './limits.ts'
import { ScoringTime } from './scoring-time.ts'

const inline = anyStep()
const held = anyStep({ activation: heldTensor('somebody' as PeerId) })

test('before the first scores a usual time is taken, more for a tensor that must be fetched', () => {
  const time = new ScoringTime()
  expect(time.mostMs(inline)).toBe(HEAD_MS_UNKNOWN)
  expect(time.mostMs(held)).toBe(HEAD_MS_UNKNOWN + PULL_MS_UNKNOWN)
})

test('afterwards it follows what head and pull took, and by how much that varied, within bounds', () => {
  const time = new ScoringTime()
  for (let i = 0; i < 50; i++) {
    time.headRan(200)
    time.pulled(400)
  }
  expect(time.mostMs(inline)).toBeCloseTo(200, 0)
  expect(time.mostMs(held)).toBeCloseTo(600, 0)
  time.headRan(500)
  expect(time.mostMs(inline)).toBeGreaterThan(400)
  for (let i = 0; i < 50; i++) {
    time.headRan(1)
    time.pulled(1)
  }
  expect(time.mostMs(held)).toBe(HEAD_MS_MIN + PULL_MS_MIN)
  time.headRan(60_000)
  time.pulled(60_000)
  expect(time.mostMs(held)).toBe(HEAD_MS_MAX + PULL_MS_MAX)
})
