import { SwarmError } from '@layerswarm/swarm'
import { expect, test } from 'vitest'
import { ALONE_MS_MAX } from '../limits.ts'
import { Patience } from './patience.ts'

const nobody = new SwarmError({ code: 'no-providers' }, 'nobody hosts a layer')
const late = new SwarmError({ code: 'cancelled' }, 'cancelled')

test('ends when requests have found nobody for long enough', () => {
  const patience = new Patience()
  expect(patience.isOver(1e9)).toBe(false)
  patience.failed(nobody, 1_000)
  patience.failed(nobody, 9_000)
  expect(patience.isOver(999 + ALONE_MS_MAX)).toBe(false)
  expect(patience.isOver(1_000 + ALONE_MS_MAX)).toBe(true)
})

test('begins anew with an answer, and with a failure that somebody had a part in', () => {
  const patience = new Patience()
  patience.failed(nobody, 0)
  patience.answered()
  expect(patience.isOver(ALONE_MS_MAX)).toBe(false)
  patience.failed(nobody, 0)
  patience.failed(late, 10)
  expect(patience.isOver(ALONE_MS_MAX)).toBe(false)
})
