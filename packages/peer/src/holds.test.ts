import { expect, test } from 'vitest'
import { createHolds } from './holds.ts'

function watched() {
  const changes: boolean[] = []
  return { changes, holds: createHolds((held) => changes.push(held)) }
}

test('a peer stops at its first hold and goes on after its last', () => {
  const { changes, holds } = watched()
  holds.hold('engine', 'the GPU device was lost')
  holds.hold('user', 'paused')
  holds.release('engine')
  expect(changes).toEqual([true])
  holds.release('user')
  expect(changes).toEqual([true, false])
})

test('what the user asked for is shown before anything else', () => {
  const { holds } = watched()
  holds.hold('offline', 'no network')
  expect(holds.current).toEqual({ by: 'offline', reason: 'no network' })
  holds.hold('user', 'paused')
  expect(holds.current?.by).toBe('user')
  holds.release('user')
  holds.release('offline')
  expect(holds.current).toBeUndefined()
})

test('holding twice and releasing what is not held change nothing', () => {
  const { changes, holds } = watched()
  holds.release('frozen')
  holds.hold('frozen', 'frozen')
  holds.hold('frozen', 'frozen still')
  expect(holds.current?.reason).toBe('frozen still')
  holds.release('frozen')
  expect(changes).toEqual([true, false])
})
