import { describe, expect, test } from 'vitest'
import { GOSSIP_CHECKS_AT_ONCE_MAX } from '../limits.ts'
import { createTurns } from './turns.ts'

/** A thread whose turns the test ends, with a clock that only work moves. */
function thread() {
  let nowMs = 0
  let next: (() => void)[] = []
  const done: string[] = []
  const afterTurn = (resume: () => void) => next.push(resume)
  const turns = createTurns({ nowMs: () => nowMs, afterTurn })
  return {
    done,
    turns,
    /** Brings work of 4 ms. */
    bring: (whose: string, name: string) =>
      turns.run(whose, async () => {
        await undefined
        nowMs += 4
        done.push(name)
      }),
    /** What was due besides has been done. */
    async endTurn() {
      const due = next
      next = []
      for (const resume of due) resume()
      await settled()
    },
    waits: () => next.length,
  }
}

/** All promises that can resolve by themselves have. */
async function settled() {
  for (let i = 0; i < 100; i++) await undefined
}

describe('work that comes at once', () => {
  test('is done in the same turn until the turn is long, and then waits for the next', async () => {
    const { bring, done, endTurn } = thread()
    const names = Array.from({ length: 3 * GOSSIP_CHECKS_AT_ONCE_MAX }, (_, i) => String(i))
    const all = Promise.all(names.map((name) => bring('anna', name)))
    await settled()
    expect(done.length).toBeGreaterThan(1)
    expect(done.length).toBeLessThan(2 * GOSSIP_CHECKS_AT_ONCE_MAX)
    for (let i = 0; i < 3; i++) await endTurn()
    await all
    expect(done).toEqual(names)
  })

  test('of one who brings much does not delay what another brings', async () => {
    const { bring, done, endTurn } = thread()
    const flood = Array.from({ length: 40 }, (_, i) => bring('mallory', `m${i}`))
    const all = Promise.all([...flood, bring('anna', 'a')])
    for (let i = 0; i < 10; i++) await endTurn()
    await all
    expect(done).toHaveLength(41)
    expect(done.indexOf('a')).toBeLessThan(2 * GOSSIP_CHECKS_AT_ONCE_MAX)
  })

  test('leaves nothing behind, and the next begins at once', async () => {
    const { bring, done, endTurn, waits } = thread()
    await bring('anna', 'a')
    await endTurn()
    expect([done, waits()]).toEqual([['a'], 0])
    await bring('anna', 'b')
    expect(done).toEqual(['a', 'b'])
  })

  test('that fails tells who brought it, and others go on', async () => {
    const { bring, turns, done } = thread()
    const failing = turns.run('mallory', async () => Promise.reject(new Error('broken')))
    const after = bring('anna', 'a')
    await expect(failing).rejects.toThrow('broken')
    await after
    expect(done).toEqual(['a'])
  })
})
