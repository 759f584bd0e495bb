import { expect, test } from 'vitest'
import { PeerTable } from '../presence/peer-table.ts'
import { anyPresence } from '../testing/any-presence.ts'
import type { PeerId } from '../wire/messages.ts'
import { NEVER_FREE_FOR_MS, NEVER_FREE_MS } from './limits.ts'
import { NeverFree } from './never-free.ts'

const RELEASE = '5'.repeat(64)
const host = 'host' as PeerId

/** One host, which announces itself each second. */
function hostOf() {
  const table = new PeerTable(RELEASE)
  const delivered = { atMs: 0 }
  const neverFree = new NeverFree(() => delivered.atMs)
  let sequence = 0
  const announce = (freeSlots: number, nowMs: number) => {
    sequence++
    table.hear(host, anyPresence({ release: RELEASE, layers: [0], freeSlots, sequence }), nowMs)
    const known = table.get(host)
    if (known === undefined) throw new Error('it is not heard')
    return known
  }
  return { announce, delivered, neverFree }
}

test('a host that has had no room for long and delivers nothing is none', () => {
  const { announce, neverFree } = hostOf()
  announce(1, 0)
  expect(neverFree.isOne(announce(0, 1_000), NEVER_FREE_MS)).toBe(false)
  const known = announce(0, NEVER_FREE_MS)
  expect(neverFree.isOne(known, NEVER_FREE_MS + 1)).toBe(true)
  expect(neverFree.isOne(announce(1, NEVER_FREE_MS + 2), NEVER_FREE_MS + 3)).toBe(false)
})

test('one that is at work all the time is one', () => {
  const { announce, delivered, neverFree } = hostOf()
  announce(1, 0)
  for (let nowMs = 1_000; nowMs < 10 * NEVER_FREE_MS; nowMs += NEVER_FREE_MS / 2) {
    delivered.atMs = nowMs
    expect(neverFree.isOne(announce(0, nowMs), nowMs)).toBe(false)
    expect(neverFree.wasOne(host, nowMs)).toBe(false)
  }
})

test('to one that was found out no layer is left for a while, though it serves again', () => {
  const { announce, delivered, neverFree } = hostOf()
  announce(1, 0)
  const foundMs = NEVER_FREE_MS + 1
  expect(neverFree.isOne(announce(0, foundMs), foundMs)).toBe(true)
  delivered.atMs = foundMs + 1_000
  const known = announce(1, delivered.atMs)
  expect(neverFree.isOne(known, delivered.atMs)).toBe(false)
  expect(neverFree.wasOne(host, delivered.atMs)).toBe(true)
  const laterMs = foundMs + NEVER_FREE_FOR_MS
  expect(neverFree.wasOne(host, laterMs)).toBe(false)
})
