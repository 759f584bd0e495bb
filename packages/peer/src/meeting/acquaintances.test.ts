import type { Presence } from '@layerswarm/swarm'
import { anyPresence } from '@layerswarm/swarm/testing'
import { describe, expect, test } from 'vitest'
import { DIAL_ATTEMPTS_MAX, DIAL_RETRY_MS, RELUCTANT_DIAL_AFTER_MS } from '../limits.ts'
import { Acquaintances } from './acquaintances.ts'

const NODE_ADDRESS = '/ip4/127.0.0.1/tcp/4001/p2p/x'
const TAB_ADDRESS = '/ip4/127.0.0.1/tcp/9001/ws/p2p/r/p2p-circuit/webrtc/p2p/x'

function presence(given: Partial<Presence> = {}): Presence {
  return anyPresence({ release: 'ab'.repeat(32), addresses: [NODE_ADDRESS], ...given })
}

function known(self: string, { tab = false, silencesAt = () => 0 }: Given = {}): Acquaintances {
  return new Acquaintances({ self, isPlainlyDialable: () => !tab, silencesAt, random: () => 0.5 })
}

interface Given {
  tab?: boolean
  silencesAt?: (addresses: readonly string[]) => number
}

const dueAt = (all: Acquaintances, nowMs: number) => all.due(nowMs).map(({ peer }) => peer)

describe('acquaintances', () => {
  test('let the smaller id dial at once and the larger one only when nothing came of it', () => {
    const smaller = known('a')
    const larger = known('c')
    smaller.hear('b', presence(), 0)
    larger.hear('b', presence(), 0)
    expect(dueAt(smaller, 0)).toEqual(['b'])
    expect(dueAt(larger, RELUCTANT_DIAL_AFTER_MS - 1)).toEqual([])
    expect(dueAt(larger, RELUCTANT_DIAL_AFTER_MS)).toEqual(['b'])
  })

  test('let a tab dial a Node peer whatever the ids, because the other way is impossible', () => {
    const tab = known('z', { tab: true })
    tab.hear('b', presence(), 0)
    expect(dueAt(tab, 0)).toEqual(['b'])
    tab.hear('c', presence({ addresses: [TAB_ADDRESS] }), 0)
    expect(dueAt(tab, 0)).toEqual(['b'])
  })

  test('let a Node peer wait for a tab, which may open a socket to it, and then step in', () => {
    const node = known('a')
    node.hear('b', presence({ addresses: [TAB_ADDRESS] }), 0)
    expect(dueAt(node, RELUCTANT_DIAL_AFTER_MS - 1)).toEqual([])
    expect(dueAt(node, RELUCTANT_DIAL_AFTER_MS)).toEqual(['b'])
  })

  test('take turns by the ids between Node peers, with WebRTC or without', () => {
    const both = presence({ addresses: [NODE_ADDRESS, TAB_ADDRESS] })
    for (const [self, due] of [
      ['a', ['b']],
      ['c', []],
    ] as const) {
      const all = known(self)
      all.hear('b', both, 0)
      expect(dueAt(all, 0)).toEqual(due)
    }
  })

  test('double the wait after each failure and give up until the addresses change', () => {
    const all = known('a')
    all.hear('b', presence(), 0)
    const waits: number[] = []
    let nowMs = 0
    for (let attempt = 0; attempt < DIAL_ATTEMPTS_MAX; attempt++) {
      all.dialFailed('b', nowMs)
      const next = all.get('b')?.nextAttemptMs ?? Number.NaN
      waits.push(next - nowMs)
      nowMs = next
    }
    expect(waits.slice(0, 3)).toEqual([DIAL_RETRY_MS, 2 * DIAL_RETRY_MS, 4 * DIAL_RETRY_MS])
    expect(dueAt(all, nowMs + 1e9)).toEqual([])
    all.hear('b', presence({ addresses: ['/ip4/127.0.0.1/tcp/4002/p2p/x'] }), nowMs)
    expect(dueAt(all, nowMs)).toEqual(['b'])
  })

  test('let those who have failed least come first, and of these the longest waiting', () => {
    const silent = '/ip4/192.0.2.1/tcp/4001/p2p/x'
    const all = known('a', { silencesAt: ([address]) => (address === silent ? 2 : 0) })
    for (const [peer, addresses] of Object.entries({ e: [silent], d: [], c: [], b: [] }))
      all.hear(peer, presence(addresses.length > 0 ? { addresses } : {}), 0)
    all.dialFailed('d', 0)
    all.hear('f', presence(), 1)
    expect(dueAt(all, 1e6)).toEqual(['c', 'b', 'f', 'd', 'e'])
  })

  test('give nobody more turns who changes the addresses, starts over or connects from there', () => {
    const all = known('a')
    const at = (port: number) => presence({ addresses: [`/ip4/127.0.0.1/tcp/${port}/p2p/x`] })
    all.hear('b', at(4001), 0)
    for (let attempt = 0; attempt < DIAL_ATTEMPTS_MAX; attempt++) all.dialFailed('b', 0)
    const waitsUntilMs = all.get('b')?.nextAttemptMs ?? Number.NaN
    all.hear('b', at(4002), 1)
    all.hungUp('b', 2)
    all.connectionLost('b', 3)
    expect(all.get('b')).toMatchObject({
      attempts: DIAL_ATTEMPTS_MAX - 1,
      nextAttemptMs: waitsUntilMs,
    })
    all.dialSucceeded('b')
    all.connectionLost('b', waitsUntilMs)
    expect(all.get('b')?.attempts).toBe(0)
  })

  test('keep the addresses that a peer said last, and dial nobody who has said none yet', () => {
    const all = known('a')
    const partial = (sequence: number) => presence({ sequence, addresses: undefined })
    all.hear('b', partial(0), 0)
    expect(dueAt(all, 1)).toEqual([])
    all.hear('b', presence({ sequence: 1 }), 2)
    expect(dueAt(all, 2)).toEqual(['b'])
    all.dialFailed('b', 2)
    all.hear('b', partial(2), 3)
    expect(all.get('b')).toMatchObject({ addresses: [NODE_ADDRESS], attempts: 1, heardAtMs: 3 })
    all.hear('b', presence({ sequence: 3, addresses: [] }), 4)
    expect(dueAt(all, 1e9)).toEqual([])
    all.hear('b', presence({ sequence: 4 }), 5)
    expect(dueAt(all, 2 + DIAL_RETRY_MS)).toEqual(['b'])
  })

  test('tell a new session from messages that overtook each other', () => {
    const all = known('a')
    expect(all.hear('b', presence({ sequence: 9 }), 0)).toBe(false)
    expect(all.hear('b', presence({ sequence: 8 }), 1)).toBe(false)
    expect(all.hear('b', presence({ sequence: 0, asking: true }), 2)).toBe(true)
    expect(all.hear('b', presence({ sequence: 20 }), 3)).toBe(false)
    expect(all.hear('b', presence({ sequence: 2 }), 4)).toBe(true)
  })

  test('forget a peer that has been silent for long, once', () => {
    const all = known('a')
    all.hear('b', presence(), 0)
    all.hear('c', presence(), 30_000)
    expect(all.takeLapsed(31_000)).toEqual(['b'])
    expect(all.takeLapsed(31_000)).toEqual([])
    expect(dueAt(all, 31_000)).toEqual(['c'])
  })
})
