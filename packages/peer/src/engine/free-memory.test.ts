import { describe, expect, test } from 'vitest'
import { freeMemory } from './free-memory.ts'
import { FREED_BYTES_MIN } from './limits.ts'

describe('freed memory', () => {
  test('is gone for whoever still has it, also by another view, and may be freed again', () => {
    const bytes = new Uint8Array(FREED_BYTES_MIN)
    const values = new Float32Array(bytes.buffer)
    freeMemory(values)
    expect([bytes.length, values.length]).toEqual([0, 0])
    freeMemory(bytes)
  })

  test('is not that of few bytes, nor a part of something larger, nor memory that is shared', () => {
    const few = new Uint8Array(FREED_BYTES_MIN - 1)
    const part = new Uint8Array(2 * FREED_BYTES_MIN).subarray(FREED_BYTES_MIN)
    const shared = new Uint8Array(new SharedArrayBuffer(FREED_BYTES_MIN))
    for (const bytes of [few, part, shared]) {
      freeMemory(bytes)
      expect(bytes.length).toBeGreaterThan(0)
    }
  })

  test('goes back to the system', async () => {
    const before = process.memoryUsage().arrayBuffers
    const files = Array.from({ length: 4 }, () => new Uint8Array(16 << 20).fill(1))
    expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThan(60 << 20)
    for (const file of files) freeMemory(file)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 << 20)
  })
})
