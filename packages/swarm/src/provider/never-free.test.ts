import { expect, test } from 'vitest'
import { PRESENCE_TTL_MS } from '../limits.ts'
import { PeerTable } from '../presence/peer-table.ts'
import { anyPresence } from '../testing/any-presence.ts'
import type { PeerId } from '../wire/messages.ts'
import { NEVER_FREE_MS } from './limits.ts'
import { isNeverFree } from './never-free.ts'

const RELEASE = '5'.repeat(64)
const NEVER = Number.NEGATIVE_INFINITY
const host = 'host' as PeerId

/** A table that hears one host. */
function heard() {
  const table = new PeerTable(RELEASE)
  let sequence = 0
  return (freeSlots: number, nowMs: number) => {
    sequence++
    table.hear(host, anyPresence({ release: RELEASE, layers: [0], freeSlots, sequence }), nowMs)
    const known = table.get(host)
    if (known === undefined) throw new Error('it is not heard')
    return known
  }
}

test('a host that has had no room for long and delivers nothing counts as none, until it has', () => {
  const announce = heard()
  announce(1, 0)
  announce(0, NEVER_FREE_MS / 2)
  const known = announce(0, NEVER_FREE_MS)
  expect(isNeverFree(known, NEVER, NEVER_FREE_MS)).toBe(false)
  expect(isNeverFree(known, NEVER, NEVER_FREE_MS + 1)).toBe(true)
  expect(isNeverFree(known, NEVER_FREE_MS, NEVER_FREE_MS + 1)).toBe(false)
  expect(isNeverFree(announce(1, NEVER_FREE_MS + 2), NEVER, NEVER_FREE_MS + 3)).toBe(false)
})

test('one that was not heard for long has its time from when it is heard again', () => {
  const announce = heard()
  announce(1, 0)
  const backMs = 2 * PRESENCE_TTL_MS
  expect(isNeverFree(announce(0, backMs), NEVER, backMs + 1)).toBe(false)
})
