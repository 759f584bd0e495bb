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
