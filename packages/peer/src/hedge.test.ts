import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { firstOf } from './hedge.ts'

const never = new AbortController().signal
/** An attempt that ends only when it is stopped. */
const silent = (signal: AbortSignal) =>
  new Promise<string>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })

describe('of several attempts', () => {
  test('the first that succeeds counts, and no later one begins', async () => {
    let begun = 0
    const quick = async () => `attempt ${++begun}`
    expect(await firstOf([quick, quick], 10, never)).toBe('attempt 1')
    await pause(30)
    expect(begun).toBe(1)
  })

  test('the next begins beside one that takes long, which is stopped once there is an answer', async () => {
    let stopped: AbortSignal | undefined
    const slow = (signal: AbortSignal) => {
      stopped = signal
      return silent(signal)
    }
    expect(await firstOf([slow, async () => 'second'], 10, never)).toBe('second')
    expect(stopped?.aborted).toBe(true)
  })

  test('the next begins at once when one has failed', async () => {
    const fails = async () => {
      throw new Error('gone')
    }
    expect(await firstOf([fails, async () => 'second'], 60_000, never)).toBe('second')
  })

  test('all that fail are told in their order', async () => {
    const fails = (why: string, ms: number) => async () => {
      await pause(ms)
      throw new Error(why)
    }
    const failing = firstOf([fails('first', 30), fails('second', 0)], 1, never)
    await expect(failing).rejects.toMatchObject({
      errors: [{ message: 'first' }, { message: 'second' }],
    })
    await expect(firstOf([], 1, never)).rejects.toMatchObject({ errors: [] })
  })

  test('none goes on when the signal aborts, and its reason is told', async () => {
    const controller = new AbortController()
    let begun = 0
    const counted = (signal: AbortSignal) => {
      begun++
      return silent(signal)
    }
    const stopping = firstOf([counted, counted], 60_000, controller.signal)
    await pause(5)
    controller.abort(new Error('told to stop'))
    await expect(stopping).rejects.toThrow('told to stop')
    expect(begun).toBe(1)
  })
})
