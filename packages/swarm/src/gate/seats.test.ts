import { expect, test } from 'vitest'
import { createSeats } from './seats.ts'

test('a name holds so many and no more, whatever others hold, and has room again for each that it gives back', () => {
  const seats = createSeats(2)
  expect(['a', 'a', 'a', 'b'].map(seats.take)).toEqual([true, true, false, true])
  seats.giveBack('a')
  expect(['a', 'a'].map(seats.take)).toEqual([true, false])
})

test('what was never taken gives no room', () => {
  const seats = createSeats(1)
  seats.giveBack('a')
  expect(['a', 'a'].map(seats.take)).toEqual([true, false])
})
