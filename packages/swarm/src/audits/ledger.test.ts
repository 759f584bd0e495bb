import { expect, test } from 'vitest'
import { draw } from '../draw.ts'
import { BARRED_MAX } from '../limits.ts'
import { tagOf } from '../presence/near.ts'
import type { PeerId } from '../wire/messages.ts'
import { Ledger } from './ledger.ts'
import {
  CHANCE_MIN,
  FINDINGS_MAX,
  QUARANTINE_MS,
  QUARANTINE_MS_MAX,
  SUSPICIONS_MAX,
  UNPROVEN_LAYERS,
  UNPROVEN_LAYERS_PEACE,
} from './limits.ts'

const [peer, other] = ['peer', 'other'] as PeerId[] as [PeerId, PeerId]

test.each([
  ['where no liar has been met', false, UNPROVEN_LAYERS_PEACE],
  ['where one has', true, UNPROVEN_LAYERS],
])(
  'a stranger is always audited, whoever was found right ever more rarely, and nobody never: %s',
  (_, met, unproven) => {
    const ledger = new Ledger()
    if (met) ledger.outvoted(other, 0)
    const chances: number[] = []
    for (let layers = 0; layers < 200; layers++) {
      chances.push(ledger.chance(peer, 0))
      ledger.right(peer, 1)
    }
    expect(chances.slice(0, unproven + 1).every((chance) => chance === 1)).toBe(true)
    expect(chances).toEqual(chances.toSorted((a, b) => b - a))
    expect(chances[unproven + 1]).toBeLessThan(1)
    expect(chances.at(-1)).toBe(CHANCE_MIN)
  },
)

test('whoever was outvoted is barred for a time that doubles, and is a stranger after it', () => {
  const ledger = new Ledger()
  ledger.right(peer, 100)
  let nowMs = 0
  for (let times = 0; times < 20; times++) {
    ledger.outvoted(peer, nowMs)
    const ms = Math.min(QUARANTINE_MS * 2 ** times, QUARANTINE_MS_MAX)
    expect(ledger.isBarred(peer, nowMs + ms - 1)).toBe(true)
    expect(ledger.barred(nowMs + ms - 1)).toEqual([tagOf(draw(peer))])
    nowMs += ms
    expect(ledger.isBarred(peer, nowMs)).toBe(false)
    expect(ledger.barred(nowMs)).toEqual([])
    expect([ledger.isStranger(peer), ledger.chance(peer, 0)]).toEqual([true, 1])
  }
})

test('a suspicion ends with the next layer that is found right; many in a row are a verdict', () => {
  const ledger = new Ledger()
  ledger.right(peer, 100)
  for (let times = 0; times < 3 * SUSPICIONS_MAX; times++) {
    expect(ledger.suspect(peer, 0)).toBe(false)
    expect([ledger.chance(peer, 0), ledger.isTrusted(peer)]).toEqual([1, false])
    ledger.right(peer, 1)
  }
  const suspicions = Array.from({ length: SUSPICIONS_MAX }, () => ledger.suspect(peer, 0))
  expect(suspicions.lastIndexOf(false)).toBe(SUSPICIONS_MAX - 2)
  expect(ledger.isBarred(peer, 0)).toBe(true)
  expect(ledger.isBarred(other, 0)).toBe(false)
})

test('whoever nobody else can run after is audited more rarely until it is found right', () => {
  const ledger = new Ledger()
  const chances = Array.from({ length: 10 }, () => {
    ledger.alone(peer)
    return ledger.chance(peer, 0)
  })
  expect(chances.slice(0, 3)).toEqual([1 / 2, 1 / 4, 1 / 8])
  expect(chances.at(-1)).toBe(CHANCE_MIN)
  ledger.right(peer, 1)
  expect(ledger.chance(peer, 0)).toBe(1)
})

test('a liar has been met once somebody was outvoted', () => {
  const ledger = new Ledger()
  ledger.right(peer, 1)
  ledger.suspect(other, 0)
  expect(ledger.hasMetLiars).toBe(false)
  ledger.outvoted(other, 0)
  expect(ledger.hasMetLiars).toBe(true)
})

test('a bounded number is remembered, and who is barred for longest; a step names the latest', () => {
  const ledger = new Ledger()
  ledger.outvoted(peer, 0)
  for (let i = 0; i < FINDINGS_MAX + 10; i++) ledger.right(`stranger ${i}` as PeerId, 100)
  expect(ledger.isBarred(peer, 0)).toBe(true)
  expect(ledger.chance('stranger 0' as PeerId, 0)).toBe(1)
  expect(ledger.chance(`stranger ${FINDINGS_MAX}` as PeerId, 0)).toBe(CHANCE_MIN)
  const liars = Array.from({ length: BARRED_MAX + 3 }, (_, i) => `liar ${i}` as PeerId)
  for (const liar of liars) ledger.outvoted(liar, 0)
  expect(ledger.barred(0)).toEqual(liars.slice(3).map((liar) => tagOf(draw(liar))))
})
