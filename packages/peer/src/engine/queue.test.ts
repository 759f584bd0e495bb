import { expect, test } from 'vitest'
import { createQueue } from './queue.ts'

test('a queue runs one job at a time, in order, also after a failure', async () => {
  const queue = createQueue()
  const seen: string[] = []
  const job = (name: string, fails = false) =>
    queue(async () => {
      seen.push(`${name} begins`)
      await Promise.resolve()
      seen.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    })
  const results = await Promise.allSettled([job('a'), job('b', true), job('c')])
  expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})

test('an urgent job goes before all that have not begun, and after urgent ones that came before it', async () => {
  const queue = createQueue()
  const seen: string[] = []
  const job = (name: string, isUrgent: boolean) =>
    queue(async () => {
      await Promise.resolve()
      seen.push(name)
    }, isUrgent)
  const first = job('begun', false)
  await Promise.resolve()
  await Promise.resolve()
  await Promise.all([first, job('a', false), job('now', true), job('b', false), job('next', true)])
  expect(seen).toEqual(['begun', 'now', 'next', 'a', 'b'])
  await job('later', false)
  expect(seen.at(-1)).toBe('later')
})
