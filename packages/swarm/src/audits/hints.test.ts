import { expect, test } from 'vitest'
import type { PeerId } from '../wire/messages.ts'
import { Hints } from './hints.ts'
import {
  HINT_CHECKS,
  HINT_MS,
  HINTS_MAX,
  HINTS_PER_ACCUSER,
  HINTS_PER_ACCUSER_MAX,
} from './limits.ts'

const accuser = 'accuser' as PeerId
const peer = (number: number) => `peer ${number}` as PeerId

/** Hints that are heeded of so many. */
function heeded(hints: Hints, from: PeerId, count: number, first = 0): number {
  const peers = Array.from({ length: count }, (_, i) => peer(first + i))
  for (const about of peers) hints.hear(from, about, 0)
  return peers.filter((about) => hints.isHinted(about, 0)).length
}

test('a hint ends when its peer was found right a few times, was found out, or after a while', () => {
  for (const ends of ['right', 'outvoted', 'aged'] as const) {
    const hints = new Hints()
    hints.hear(accuser, peer(1), 0)
    for (let i = 1; i < HINT_CHECKS; i++) hints.right(peer(1))
    expect(hints.isHinted(peer(1), HINT_MS - 1)).toBe(true)
    if (ends === 'right') hints.right(peer(1))
    if (ends === 'outvoted') hints.outvoted(peer(1))
    expect(hints.isHinted(peer(1), ends === 'aged' ? HINT_MS : 0)).toBe(false)
  }
})

test('an accuser whose hints are empty is heard less, and at last no more', () => {
  const hints = new Hints()
  expect(heeded(hints, accuser, 10)).toBe(HINTS_PER_ACCUSER)
  for (let empty = 0; empty < HINTS_PER_ACCUSER; empty++)
    for (let i = 0; i < HINT_CHECKS; i++) hints.right(peer(empty))
  expect(heeded(hints, accuser, 10, 20)).toBe(0)
  expect(heeded(hints, 'other' as PeerId, 10, 40)).toBe(HINTS_PER_ACCUSER)
})

test('an accuser whose hints prove true is heard more, up to a bound', () => {
  const hints = new Hints()
  for (let i = 0; i < 2 * HINTS_PER_ACCUSER_MAX; i++) {
    hints.hear(accuser, peer(i), 0)
    hints.outvoted(peer(i))
  }
  expect(heeded(hints, accuser, 50, 100)).toBe(HINTS_PER_ACCUSER_MAX)
})

test('a bounded number is remembered, of however many accusers, and old ones make room', () => {
  const hints = new Hints()
  for (let i = 0; i < 2 * HINTS_MAX; i++) hints.hear(`accuser ${i}` as PeerId, peer(i), 0)
  expect(hints.isHinted(peer(HINTS_MAX - 1), 0)).toBe(true)
  expect(hints.isHinted(peer(HINTS_MAX), 0)).toBe(false)
  hints.hear(accuser, peer(-1), HINT_MS)
  expect(hints.isHinted(peer(-1), HINT_MS)).toBe(true)
})
