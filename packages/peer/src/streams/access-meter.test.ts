import { describe, expect, test } from 'vitest'
import { ACCESS_SAMPLES_MAX } from '../limits.ts'
import { createAccessMeter } from './access-meter.ts'

describe('the speed of an access', () => {
  test('is the bytes of a transfer over its time beyond the round trip', () => {
    const meter = createAccessMeter()
    expect(meter.speed()).toEqual({ upload: undefined, download: undefined })
    meter.sent({ bytes: 100_000, ms: 150, rttMs: 50 })
    expect(meter.speed()).toEqual({ upload: 1_000, download: undefined })
    meter.received({ bytes: 100_000, ms: 50, rttMs: 0 })
    expect(meter.speed()).toEqual({ upload: 1_000, download: 2_000 })
  })

  test('is that of the fastest of the last transfers: a slow other end says nothing', () => {
    const meter = createAccessMeter()
    meter.sent({ bytes: 100_000, ms: 100, rttMs: 0 })
    for (let i = 1; i < ACCESS_SAMPLES_MAX; i++) meter.sent({ bytes: 10_000, ms: 100, rttMs: 0 })
    expect(meter.speed().upload).toBe(1_000)
    meter.sent({ bytes: 10_000, ms: 100, rttMs: 0 })
    expect(meter.speed().upload).toBe(100)
  })

  test('is not measured by what is small, by what the way took, nor without knowing the way', () => {
    const meter = createAccessMeter()
    meter.sent({ bytes: 1_000, ms: 100, rttMs: 0 })
    meter.sent({ bytes: 10_000, ms: 70, rttMs: 65 })
    meter.sent({ bytes: 10_000, ms: 0.5, rttMs: 0 })
    meter.sent({ bytes: 10_000, ms: 100, rttMs: undefined })
    expect(meter.speed().upload).toBeUndefined()
  })
})
