import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

test('lets so many proceed at once, and the others in their order', async () => {
  const turns = createTurns(2)
  const { signal } = new AbortController()
  const proceeded: number[] = []
  const all = [0, 1, 2, 3].map((id) => turns.take('a', signal).then(() => proceeded.push(id)))
  await turns.take('b', signal)
  await Promise.all(all.slice(0, 2))
  expect(proceeded).toEqual([0, 1])
  turns.give('a')
  await all[2]
  turns.give('a')
  await all[3]
  expect(proceeded).toEqual([0, 1, 2, 3])
})

test('forgets who gave up waiting', async () => {
  const turns = createTurns(1)
  const { signal } = new AbortController()
  const impatient = new AbortController()
  await turns.take('a', signal)
  const refused = turns.take('a', impatient.signal)
  const patient = turns.take('a', signal)
  impatient.abort(new Error('enough'))
  await expect(refused).rejects.toThrow('enough')
  turns.give('a')
  await patient
  turns.give('a')
  await turns.take('a', signal)
})
