import { expect, test } from 'vitest'
import { newcomersOf } from './newcomers.ts'

const ASKED = [20_000, 60_000] as const
const life = (joinMs: number, leftMs: number, firstRunMs?: number) => ({
  joinMs,
  leftMs,
  firstRunMs,
})

test('newcomers are those who came while requests were asked and stayed for ten seconds of it', () => {
  const lives = [
    life(0, 90_000, 21_000), // was there before
    life(25_000, 34_000, 26_000), // did not stay
    life(51_000, 90_000), // stayed when nothing was asked any more
    life(20_000, 30_000, 21_000),
    life(30_000, 90_000, 34_000),
    life(50_000, 60_000),
  ]
  expect(newcomersOf(lives, ...ASKED)).toEqual({
    stayed: 3,
    idleShare: 1 - 2 / 3,
    firstWorkP50Ms: 1_000,
    firstWorkP90Ms: 4_000,
  })
})

test('a swarm without newcomers has nobody without work', () => {
  expect(newcomersOf([life(0, 90_000)], ...ASKED)).toMatchObject({ stayed: 0, idleShare: 0 })
})
