import { expect, test } from 'vitest'
import { startStopwatch, timeParts, timeText } from './timing.ts'

const stations = {
  clickedMs: 1_000,
  askedMs: 3_000,
  firstLayersMs: 3_500,
  lastLayersMs: 3_900,
  answeredMs: 4_000,
  isComplete: true,
  hadToJoin: true,
}

test('the parts are all of the time since the click', () => {
  const parts = timeParts(stations)
  expect(parts.map(({ ms }) => ms)).toEqual([2_000, 500, 400, 100])
  expect(parts.reduce((sum, { ms }) => sum + ms, 0)).toBe(3_000)
})

test('an answer without a layer seen on the way has spent its time on the first ones', () => {
  const parts = timeParts({ ...stations, firstLayersMs: undefined, lastLayersMs: undefined })
  expect(parts.map(({ ms }) => ms)).toEqual([2_000, 1_000, 0, 0])
})

test('short parts are not named', () => {
  expect(timeText(timeParts(stations))).toBe(
    '3.0\u202fs since the click: joining 2.0\u202fs, first layers 500\u202fms, other layers 400\u202fms',
  )
  expect(timeText(timeParts({ ...stations, clickedMs: 3_000, firstLayersMs: 3_990 }))).toBe(
    '1.0\u202fs since the click',
  )
})

test('a tab that was in the swarm did not have to join', () => {
  const [before] = timeParts({ ...stations, hadToJoin: false })
  expect(before).toEqual({ what: 'preparing the picture', ms: 2_000 })
})

test('a request that goes back to fewer layers passes no station again', () => {
  let now = 10
  const watch = startStopwatch({ ms: 0, hadToJoin: false }, () => now)
  for (const [ms, layers] of [
    [20, 3],
    [30, 1],
    [40, 8],
  ] as const) {
    now = ms
    watch.passed(layers)
  }
  now = 45
  expect(watch.stop(true).map(({ ms }) => ms)).toEqual([10, 10, 20, 5])
})
