import { describe, expect, test } from 'vitest'
import { draw } from '../draw.ts'
import type { KnownPeer } from '../presence/peer-table.ts'
import { anyPresence } from '../testing/any-presence.ts'
import type { PeerId } from '../wire/messages.ts'
import { NEWCOMER_SLOT_MS, URGENT_MS } from './limits.ts'
import { owesTrial } from './trial-duty.ts'

function known(name: string, layers: readonly number[] = [0]): KnownPeer {
  return {
    peer: name as PeerId,
    presence: anyPresence({ layers }),
    heardAtMs: 0,
    firstHeardAtMs: 0,
    freeAtMs: 0,
    mark: draw(name),
  }
}

const HOSTS = Array.from({ length: 20 }, (_, i) => known(`p${i}`))
const NEWCOMER = known('new')
const EVERYBODY = [...HOSTS, NEWCOMER]

/** Who of the hosts owes the newcomer its trial at a time. */
function authors(nowMs: number, isUrgent: boolean, sinceMs = 0): string[] {
  return HOSTS.filter(({ peer, mark }) => {
    const members = EVERYBODY.filter((other) => other.peer !== peer)
    return owesTrial({ author: mark, newcomer: NEWCOMER, members, isUrgent, sinceMs }, nowMs)
  }).map(({ peer }) => peer)
}

describe('the trial of a newcomer', () => {
  test('is owed by one author at a time, each time by another', () => {
    const owing = Array.from({ length: 10 }, (_, slot) => authors(slot * NEWCOMER_SLOT_MS, false))
    for (const found of owing) expect(found).toHaveLength(1)
    expect(new Set(owing.flat()).size).toBeGreaterThan(4)
    expect(authors(NEWCOMER_SLOT_MS - 1, false)).toEqual(authors(0, false))
  })

  test('is owed by twice as many each time where it is urgent, and by all in the end', () => {
    const owing = [0, 1, 2, 3, 4, 5, 6].map((times) => authors(times * URGENT_MS, true).length)
    expect(owing).toEqual([1, 1, 2, 4, 8, 16, 20])
  })

  test('is no more urgent for having waited while there was nothing to do', () => {
    const nowMs = 10 * URGENT_MS
    expect(authors(nowMs, true, nowMs)).toEqual(authors(nowMs, false))
    expect(authors(nowMs, true, nowMs - 3 * URGENT_MS)).toHaveLength(4)
  })

  test('is owed by nobody who only asks while others have lower draws', () => {
    const asker = { author: draw('asker'), newcomer: NEWCOMER, isUrgent: false, sinceMs: 0 }
    const owed = (members: readonly KnownPeer[]) =>
      Array.from({ length: 40 }, (_, slot) => slot * NEWCOMER_SLOT_MS).filter((nowMs) =>
        owesTrial({ ...asker, members }, nowMs),
      ).length
    expect(owed(EVERYBODY)).toBeLessThan(8)
    // Of those who host nothing nobody counts.
    expect(owed(HOSTS.map(({ peer }) => known(peer, [])))).toBe(40)
  })

  test('is not its own', () => {
    const own = {
      author: NEWCOMER.mark,
      newcomer: NEWCOMER,
      members: [],
      isUrgent: true,
      sinceMs: 0,
    }
    expect(owesTrial(own, 0)).toBe(false)
  })
})
