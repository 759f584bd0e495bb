import { expect, test } from 'vitest'
import { createHolds } from '../holds.ts'
import { followLife } from './follow-life.ts'
import type { LifeEvent } from './life.ts'

/** A peer's life, told by the test. */
function begin() {
  const done: string[] = []
  let tell: (event: LifeEvent) => void = () => undefined
  const holds = createHolds((held) => done.push(held ? 'stops' : 'goes on'))
  const life = followLife(
    (listener) => {
      tell = listener
      return () => done.push('unwatched')
    },
    { holds, sayGoodbye: () => done.push('goodbye'), lookAround: () => done.push('looks') },
  )
  return { done, holds, life, tell: (event: LifeEvent) => tell(event) }
}

test.each(['frozen', 'vanished'] as const)(
  'a tab that is %s stops, says goodbye, and wakes',
  (event) => {
    const { done, holds, tell } = begin()
    tell(event)
    expect(done).toEqual(['stops', 'goodbye'])
    expect(holds.current).toEqual({ by: 'frozen', reason: 'the browser froze this tab' })
    tell('woken')
    expect(done.slice(2)).toEqual(['goes on', 'looks'])
  },
)

test('a machine that slept looks around and owes nothing', () => {
  const { done, tell } = begin()
  tell('woken')
  expect(done).toEqual(['looks'])
})

test('a tab without a network takes no work until it is back', () => {
  const { done, holds, tell } = begin()
  tell('went-offline')
  expect(holds.current?.reason).toBe('this device is offline')
  tell('went-online')
  expect(done).toEqual(['stops', 'goes on', 'looks'])
})

test('a hidden tab serves on', () => {
  const { done, life, tell } = begin()
  tell('hidden')
  expect([life.state.hidden, done]).toEqual([true, []])
  tell('shown')
  expect(life.state.hidden).toBe(false)
})

test('a tab that was frozen while offline waits for both', () => {
  const { done, tell } = begin()
  tell('went-offline')
  tell('frozen')
  tell('woken')
  expect(done).toEqual(['stops', 'goodbye', 'looks'])
  tell('went-online')
  expect(done.slice(3)).toEqual(['goes on', 'looks'])
})

test('a life that is over is not watched', () => {
  const { done, life } = begin()
  life.stop()
  expect(done).toEqual(['unwatched'])
})
