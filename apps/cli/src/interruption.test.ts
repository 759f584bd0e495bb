import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { hearInterruption } from './interruption.ts'
import { INTERRUPTED_MS_MAX } from './limits.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function start(lingers = false) {
  const handlers = new Map<string, () => void>()
  const exits: number[] = []
  let cuts = 0
  const interruption = hearInterruption(
    {
      on: (signal, handler) => void handlers.set(signal, handler),
      exit: (code) => void exits.push(code),
      cutOff: () => void cuts++,
    },
    lingers,
  )
  return {
    ...interruption,
    exits,
    cuts: () => cuts,
    send: (signal: string) => handlers.get(signal)?.(),
  }
}

describe('ctrl-c', () => {
  test('aborts the command, and its exit code becomes 130', () => {
    const { signal, exitCode, send, exits } = start()
    expect([signal.aborted, exitCode(0), exitCode(1)]).toEqual([false, 0, 1])
    send('SIGINT')
    expect([signal.aborted, exitCode(0), exitCode(1), ...exits]).toEqual([true, 130, 130])
  })

  test('ends what has not ended within a second', () => {
    const { send, exits, cuts } = start()
    send('SIGINT')
    vi.advanceTimersByTime(INTERRUPTED_MS_MAX - 1)
    expect([exits, cuts()]).toEqual([[], 0])
    vi.advanceTimersByTime(1)
    expect([exits, cuts()]).toEqual([[130], 1])
    expect(INTERRUPTED_MS_MAX).toBeLessThan(1_000)
  })

  test('cuts nothing off that writes what it did, until it is pressed again', () => {
    const { send, exits, cuts } = start(true)
    send('SIGINT')
    vi.advanceTimersByTime(60_000)
    expect([exits, cuts()]).toEqual([[], 0])
    send('SIGINT')
    expect([exits, cuts()]).toEqual([[130], 1])
  })
})

test('SIGTERM aborts the command, which ends with its own exit code', () => {
  const { signal, exitCode, send, exits } = start()
  send('SIGTERM')
  vi.advanceTimersByTime(60_000)
  expect([signal.aborted, exitCode(0), exits]).toEqual([true, 0, []])
  send('SIGTERM')
  expect(exits).toEqual([1])
})
