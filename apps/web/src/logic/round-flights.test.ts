import { expect, test } from 'vitest'
import { createRoundFlights } from './round-flights.ts'

const LEG_MS = 100
const places = new Map([
  ['hub', { id: 'hub', x: 0, y: 0 }],
  ['east', { id: 'east', x: 100, y: 0 }],
  ['west', { id: 'west', x: -100, y: 0 }],
])
const route = [
  { layer: 0, peer: 'east' },
  { layer: 1, peer: 'west' },
  { layer: 2, peer: 'east' },
  { layer: 3, peer: 'hub' },
]

function board() {
  const flights = createRoundFlights(() => LEG_MS)
  flights.place(places)
  return flights
}

test('a round leaves as one light for each peer, and all of them are back at the hub together', () => {
  const flights = board()
  flights.seen('r', route.slice(0, 3), [3], 'hub', 0)
  const out = flights.frame(0).lights
  expect(out).toHaveLength(2)
  expect(out.every(({ x, y }) => x === 0 && y === 0)).toBe(true)
  expect(flights.frame(1.5 * LEG_MS).lights.map(({ x, pulse }) => [x, pulse])).toEqual([
    [100, 0.5],
    [-100, 0.5],
  ])
  const back = flights.frame(3 * LEG_MS - 0.001).lights
  expect(back.every(({ x, y }) => Math.hypot(x, y) < 0.01)).toBe(true)
  expect(flights.frame(3 * LEG_MS).lights).toEqual([])
})

test('rounds follow one another, and what is told again is drawn once', () => {
  const flights = board()
  flights.seen('r', route.slice(0, 2), [2], 'hub', 0)
  flights.seen('r', route, [2, 2], 'hub', 1)
  flights.seen('r', route, [2, 2], 'hub', 2)
  flights.frame(3)
  flights.frame(3 + 3 * LEG_MS)
  const { lights, trails } = flights.frame(3 + 3.5 * LEG_MS)
  // The second round: the hub runs its layer where it is.
  expect(lights.map(({ layer, pulse }) => [layer, pulse === undefined])).toEqual([
    [3, false],
    [2, true],
  ])
  expect(trails).toHaveLength(2)
  flights.frame(10_000)
  expect(flights.isStill(20_000)).toBe(true)
})

test('without motion a round leaves its trails alone', () => {
  const flights = createRoundFlights(() => 0)
  flights.place(places)
  flights.seen('r', route, [4], 'hub', 5)
  const { lights, trails } = flights.frame(5)
  expect(lights).toEqual([])
  expect(trails.map(({ to }) => to.x)).toEqual([100, -100])
})
