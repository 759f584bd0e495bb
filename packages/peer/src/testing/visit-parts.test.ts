import { INLINE_BYTES_MAX } from '@layerswarm/swarm'
import { expect, test } from 'vitest'
import { timeVisitParts } from './visit-parts.ts'

test('every part of a visit with a pushed activation takes time', async () => {
  const parts = await timeVisitParts({ bytes: 6_400, layers: 4, times: 1 })
  expect(Object.keys(parts)).toEqual(['decidingMs', 'hashingMs', 'framingMs', 'signatureMs'])
  for (const [part, ms] of Object.entries(parts)) expect(ms, part).toBeGreaterThan(0)
})

test('an activation that rides in the message is not hashed', async () => {
  const parts = await timeVisitParts({ bytes: INLINE_BYTES_MAX, layers: 4, times: 1 })
  expect(parts.hashingMs).toBe(0)
  expect(parts.framingMs).toBeGreaterThan(0)
})
