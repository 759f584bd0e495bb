import { expect, test } from 'vitest'
import { AWAY, type JoinEvent, type Joining, joiningText, nextJoining } from './joining.ts'

const after = (...events: JoinEvent[]): Joining => events.reduce(nextJoining, AWAY)
const asked = { type: 'asked' } as const
const fetched = { type: 'fetched' } as const
const received = { type: 'received', download: { receivedBytes: 1, bytes: 2 } } as const

test('from the click to serving every stage is one of joining', () => {
  expect(after(asked).stage).toBe('fetching')
  expect(after(asked, received)).toEqual({ stage: 'fetching', download: received.download })
  expect(after(asked, received, fetched).stage).toBe('meeting')
  expect(after(asked, fetched, { type: 'joined' }).stage).toBe('in')
})

test('a failure keeps its reason until somebody tries again', () => {
  const failed = after(asked, fetched, {
    type: 'failed',
    problem: { line: 'the server is away', detail: 'a' },
  })
  expect(joiningText(failed)).toBe('the server is away')
  expect(nextJoining(failed, asked)).toEqual({ stage: 'fetching', download: undefined })
})

test('what arrives after cancelling changes nothing', () => {
  const cancelled = after(asked, { type: 'left' })
  for (const late of [received, fetched, { type: 'joined' } as const])
    expect(nextJoining(cancelled, late)).toBe(cancelled)
  const failure = { type: 'failed', problem: { line: 'this tab left', detail: 'a' } } as const
  expect(nextJoining(cancelled, failure)).toBe(cancelled)
})

test('an attempt that is put off is tried again', () => {
  const waiting = after(asked, fetched, { type: 'put-off', why: 'trying again in 3 s' })
  expect(joiningText(waiting)).toBe('trying again in 3 s')
  expect(nextJoining(waiting, asked).stage).toBe('fetching')
})
