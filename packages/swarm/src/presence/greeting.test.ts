import { describe, expect, test } from 'vitest'
import { Greeting } from './greeting.ts'
import { GREETING_INTERVAL_MS, GREETING_STEP_MS, GREETINGS_ENOUGH } from './limits.ts'

describe('a greeting', () => {
  test('has its turn by lot among the hosts, once', () => {
    const greeting = new Greeting()
    expect(greeting.wakeAtMs()).toBe(Number.POSITIVE_INFINITY)
    greeting.asked(10, 0.5, 100)
    const turnMs = 100 + 6 * GREETING_STEP_MS
    expect(greeting.wakeAtMs()).toBe(turnMs)
    expect(greeting.takeTurn(turnMs - 1)).toBe(false)
    expect(greeting.takeTurn(turnMs)).toBe(true)
    expect(greeting.takeTurn(turnMs)).toBe(false)
  })

  test('is left to others where enough have told the lane of themselves meanwhile', () => {
    const greeting = new Greeting()
    greeting.asked(10, 0.5, 0)
    for (let heard = 1; heard < GREETINGS_ENOUGH; heard++) greeting.heardHost()
    expect(greeting.wakeAtMs()).not.toBe(Number.POSITIVE_INFINITY)
    greeting.heardHost()
    expect(greeting.wakeAtMs()).toBe(Number.POSITIVE_INFINITY)
    greeting.asked(10, 0.5, GREETING_INTERVAL_MS)
    greeting.heardHost()
    expect(greeting.wakeAtMs()).not.toBe(Number.POSITIVE_INFINITY)
  })

  test('of those who come one after the other waits for its time', () => {
    const greeting = new Greeting()
    greeting.asked(1, 0, 0)
    greeting.asked(1, 0, 10)
    expect(greeting.takeTurn(GREETING_STEP_MS)).toBe(true)
    greeting.asked(1, 0, GREETING_STEP_MS)
    expect(greeting.wakeAtMs()).toBe(GREETING_STEP_MS + GREETING_INTERVAL_MS)
  })
})
