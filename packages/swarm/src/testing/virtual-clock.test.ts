import { expect, test } from 'vitest'
import { SeededRandom } from './seeded-random.ts'
import { VirtualClock } from './virtual-clock.ts'

/** Some events bring others: at once, soon, and beyond the slots of the calendar. */
const AHEAD_MS = [0, 0.25, 7, 900, 20_000]

test('events happen in the order of their times, and of asking when those are equal', () => {
  const clock = new VirtualClock()
  const random = new SeededRandom(3)
  const asked: { atMs: number; order: number }[] = []
  const happened: number[] = []
  const ask = (atMs: number) => {
    const order = asked.length
    asked.push({ atMs: Math.max(atMs, clock.nowMs()), order })
    clock.wakeAt(atMs, () => {
      happened.push(order)
      expect(clock.nowMs()).toBe(asked[order]?.atMs)
      if (asked.length < 3_000) ask(clock.nowMs() + (AHEAD_MS[random.below(AHEAD_MS.length)] ?? 0))
    })
  }
  for (let i = 0; i < 1_000; i++) ask(random.below(40) * random.below(1_000) * 0.5)
  expect(clock.run(10_000_000)).toBe(asked.length)
  const expected = [...asked].sort((a, b) => a.atMs - b.atMs || a.order - b.order)
  expect(happened).toEqual(expected.map(({ order }) => order))
})

test('time stands where the run ended, and goes on from there', () => {
  const clock = new VirtualClock()
  const fired: number[] = []
  for (const at of [5, 15, 100_000]) clock.wakeAt(at, () => fired.push(at))
  clock.run(10)
  expect([clock.nowMs(), fired]).toEqual([10, [5]])
  clock.run(15)
  expect(fired).toEqual([5, 15])
  clock.wakeAt(12, () => fired.push(12))
  clock.run(200_000)
  expect([clock.nowMs(), fired]).toEqual([200_000, [5, 15, 12, 100_000]])
})

test('a cancelled event does not happen', () => {
  const clock = new VirtualClock()
  const cancel = clock.wakeAt(5, () => expect.unreachable())
  cancel()
  clock.run(10)
})
