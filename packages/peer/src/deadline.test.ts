import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { createDeadline, onAbort, pause, within } from './deadline.ts'
import { createTurns } from './streams/turns.ts'

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

test('whoever follows one signal shares its one listener, which goes with the last of them', () => {
  const { signal } = new AbortController()
  const ends = Array.from({ length: 30 }, () => onAbort(signal, () => {}))
  expect(listeners(signal)).toBe(1)
  for (const end of ends) {
    end()
    end()
  }
  expect(listeners(signal)).toBe(0)
  const end = onAbort(signal, () => {})
  ends[0]?.()
  expect(listeners(signal)).toBe(1)
  end()
  expect(listeners(signal)).toBe(0)
})

test('an abort is told once to all who still follow, and to nobody who comes later', () => {
  const controller = new AbortController()
  const told: string[] = []
  const tell = () => void told.push('twice')
  onAbort(controller.signal, () => told.push('first'))
  const endOther = onAbort(controller.signal, () => told.push('other'))
  onAbort(controller.signal, () => endOther())
  onAbort(controller.signal, () => told.push('gone'))()
  onAbort(controller.signal, tell)
  onAbort(controller.signal, tell)
  controller.abort()
  controller.abort()
  onAbort(controller.signal, () => told.push('late'))
  expect(told).toEqual(['first', 'other', 'twice', 'twice'])
  expect(listeners(controller.signal)).toBe(0)
})

test('many deadlines, pauses and turns under one signal leave it one listener, and end with it', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const deadlines = Array.from({ length: 20 }, () => createDeadline(60_000, signal))
  const pauses = Array.from({ length: 20 }, () => pause(60_000, signal))
  const turns = createTurns(1)
  await turns.take('a', signal)
  const refused = Array.from({ length: 20 }, () => turns.take('a', signal))
  expect(listeners(signal)).toBe(1)
  const reason = new Error('the end')
  controller.abort(reason)
  await Promise.all(pauses)
  for (const turn of refused) await expect(turn).rejects.toBe(reason)
  for (const deadline of deadlines) {
    expect(deadline.signal.reason).toBe(reason)
    deadline.clear()
  }
  expect(listeners(signal)).toBe(0)
})

test('a deadline under a signal that has aborted is over at once', () => {
  const reason = new Error('before')
  const deadline = createDeadline(60_000, AbortSignal.abort(reason))
  expect(deadline.signal.reason).toBe(reason)
  deadline.clear()
})

test('a thread that was held up counts one step of a deadline, and hears what came meanwhile', async () => {
  const answer = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      setTimeout(() => resolve('heard'), 420)
      const untilMs = performance.now() + 400
      while (performance.now() < untilMs);
    })
  await expect(within(200, undefined, answer)).rejects.toThrow('no answer within 200 ms')
  expect(await within(200, undefined, answer, 10)).toBe('heard')
})
