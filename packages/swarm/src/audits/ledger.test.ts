import { expect, test } from 'vitest'
import { draw } from '../draw.ts'
import { BARRED_MAX } from '../limits.ts'
import { tagOf } from '../presence/near.ts'
import type { PeerId } from '../wire/messages.ts'
import { Ledger } from './ledger.ts'
import {
  ALONE_MIN,
  CHANCES,
  CHANCES_PEACE,
  FINDINGS_MAX,
  HINT_MS,
  QUARANTINE_MS,
  QUARANTINE_MS_MAX,
  SUSPICIONS_MAX,
  VOUCHERS_MIN,
} from './limits.ts'

const vouchers = Array.from({ length: VOUCHERS_MIN }, (_, i) => `voucher ${i}` as PeerId)
const [peer, other] = ['peer', 'other'] as PeerId[] as [PeerId, PeerId]

test.each([
  ['where no liar has been met', false, CHANCES_PEACE],
  ['where one has', true, CHANCES],
])(
  'a stranger is always audited, whoever was found right ever more rarely, and nobody never: %s',
  (_, met, { unproven, least }) => {
    const ledger = new Ledger()
    if (met) ledger.outvoted(other, 0)
    const chances: number[] = []
    for (let layers = 0; layers < 200; layers++) {
      chances.push(ledger.chance(peer, 0))
      ledger.right(peer, 1, vouchers)
    }
    expect(chances.slice(0, unproven + 1).every((chance) => chance === 1)).toBe(true)
    expect(chances).toEqual(chances.toSorted((a, b) => b - a))
    expect(chances[unproven + 1]).toBeLessThan(1)
    expect(chances.at(-1)).toBe(least)
  },
)

test('whoever was outvoted is barred for a time that doubles, and is a stranger after it', () => {
  const ledger = new Ledger()
  ledger.right(peer, 100, vouchers)
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
  ledger.right(peer, 100, vouchers)
  for (let times = 0; times < 3 * SUSPICIONS_MAX; times++) {
    expect(ledger.suspect(peer, 0)).toBe(false)
    expect([ledger.chance(peer, 0), ledger.isTrusted(peer)]).toEqual([1, false])
    ledger.right(peer, 1, vouchers)
  }
  const suspicions = Array.from({ length: SUSPICIONS_MAX }, () => ledger.suspect(peer, 0))
  expect(suspicions.lastIndexOf(false)).toBe(SUSPICIONS_MAX - 2)
  expect(ledger.isBarred(peer, 0)).toBe(true)
  expect(ledger.isBarred(other, 0)).toBe(false)
})

test('whoever nobody else can run after is audited more rarely until it is found right', () => {
  const ledger = new Ledger()
  const chances = Array.from({ length: 10 }, () => {
    ledger.alone(peer, 0)
    return ledger.chance(peer, 0)
  })
  expect(chances.slice(0, 3)).toEqual([1 / 2, 1 / 4, 1 / 8])
  expect(chances.at(-1)).toBe(CHANCES_PEACE.least)
  ledger.right(peer, 1, vouchers)
  expect(ledger.chance(peer, 0)).toBe(1)
})

test('where a liar has been met nobody is proven by two who find each other right', () => {
  const ledger = new Ledger()
  for (let i = 0; i < 50; i++) {
    ledger.right(peer, 1, [other])
    ledger.right(other, 1, [peer])
  }
  expect([ledger.chance(peer, 0), ledger.isTrusted(peer)]).toEqual([CHANCES_PEACE.least, true])
  ledger.outvoted('liar' as PeerId, 0)
  expect([ledger.chance(peer, 0), ledger.isTrusted(peer)]).toEqual([1, false])
  expect(ledger.vouchersOf(peer)).toEqual([other])
  ledger.right(peer, 1, vouchers)
  expect([ledger.isTrusted(peer), ledger.vouchersOf(peer)]).toEqual([true, []])
})

test('whoever has found somebody right is not to look again until as many others have', () => {
  const ledger = new Ledger()
  const found: string[] = []
  for (const one of vouchers) {
    expect(ledger.vouchersOf(peer)).toEqual(found)
    ledger.right(peer, 1, [one])
    found.push(one)
  }
  expect([found.length, ledger.vouchersOf(peer)]).toEqual([VOUCHERS_MIN, []])
})

test('what somebody who is outvoted has found right is worth nothing', () => {
  const ledger = new Ledger()
  ledger.right(peer, 50, [other])
  ledger.right('third' as PeerId, 50, [other, ...vouchers])
  ledger.outvoted(other, 0)
  expect([ledger.isStranger(peer), ledger.chance(peer, 0)]).toEqual([true, 1])
  expect(ledger.isStranger('third' as PeerId)).toBe(false)
})

test('where a liar has been met somebody suspected whom nobody can run after is barred in the end', () => {
  const ledger = new Ledger()
  ledger.outvoted(other, 0)
  for (let i = 0; i < 10; i++) expect(ledger.alone(peer, 0)).toBe(false)
  ledger.suspect(peer, 0)
  const barred = Array.from({ length: SUSPICIONS_MAX - 1 }, () => ledger.alone(peer, 0))
  expect(barred.lastIndexOf(false)).toBe(SUSPICIONS_MAX - 3)
  expect(ledger.isBarred(peer, 0)).toBe(true)
})

test('somebody who has met a liar is alone when audit after audit finds nobody, until it finds somebody or goes', () => {
  const ledger = new Ledger()
  for (let i = 0; i < ALONE_MIN; i++) ledger.alone(peer, 0)
  expect(ledger.isAlone).toBe(false)
  ledger.outvoted(other, 0)
  expect(ledger.isAlone).toBe(true)
  ledger.right(peer, 1, vouchers)
  expect(ledger.isAlone).toBe(false)
  for (let i = 0; i < ALONE_MIN; i++) ledger.alone(peer, 0)
  expect(ledger.isAlone).toBe(true)
  ledger.laneEntered()
  expect(ledger.isAlone).toBe(false)
})

test('a liar has been met once somebody was outvoted', () => {
  const ledger = new Ledger()
  ledger.right(peer, 1, vouchers)
  ledger.suspect(other, 0)
  expect(ledger.hasMetLiars).toBe(false)
  ledger.outvoted(other, 0)
  expect([ledger.hasMetLiars, ledger.isAlert(0)]).toEqual([true, true])
})

test('what others say puts on alert for as long as it is heeded', () => {
  const ledger = new Ledger()
  expect(ledger.isAlert(0)).toBe(false)
  ledger.hinted(other, peer, 0)
  expect([ledger.hasMetLiars, ledger.isAlert(0), ledger.isAlert(HINT_MS)]).toEqual([
    false,
    true,
    false,
  ])
})

test('a bounded number is remembered, and who is barred for longest; a step names the latest', () => {
  const ledger = new Ledger()
  ledger.outvoted(peer, 0)
  for (let i = 0; i < FINDINGS_MAX + 10; i++) ledger.right(`stranger ${i}` as PeerId, 100, vouchers)
  expect(ledger.isBarred(peer, 0)).toBe(true)
  expect(ledger.chance('stranger 0' as PeerId, 0)).toBe(1)
  expect(ledger.chance(`stranger ${FINDINGS_MAX}` as PeerId, 0)).toBe(CHANCES.least)
  const liars = Array.from({ length: BARRED_MAX + 3 }, (_, i) => `liar ${i}` as PeerId)
  for (const liar of liars) ledger.outvoted(liar, 0)
  expect(ledger.barred(0)).toEqual(liars.slice(3).map((liar) => tagOf(draw(liar))))
})
