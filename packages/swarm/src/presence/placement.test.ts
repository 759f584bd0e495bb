import { describe, expect, test } from 'vitest'
import { anyPresence } from '../testing/any-presence.ts'
import { World } from '../testing/world.ts'
import type { PeerId, Presence } from '../wire/messages.ts'
import { PeerTable } from './peer-table.ts'
import { rarestLayers, rebalance } from './placement.ts'

const self = 'me' as PeerId

describe('a newcomer', () => {
  test('takes the rarest layers', () => {
    expect(rarestLayers([3, 0, 2, 0, 5], 2, self)).toEqual([1, 3])
    expect(rarestLayers([3, 0, 2, 0, 5], 3, self)).toEqual([1, 2, 3])
  })

  test('among equals takes others than its neighbour', () => {
    const choices = new Set(
      Array.from({ length: 20 }, (_, i) =>
        rarestLayers(new Array(8).fill(0), 2, `peer ${i}` as PeerId).join(),
      ),
    )
    expect(choices.size).toBeGreaterThan(8)
  })

  test('of a swarm leaves no layer without a host', () => {
    const world = new World({ seed: 3 })
    const peers = Array.from({ length: 8 }, (_, i) =>
      world.join(`p${i}`, { serve: 'auto', capacity: 2 }),
    )
    world.clock.run(30_000)
    expect(peers[0]?.member.snapshot().coverage).toSatisfy((coverage: number[]) =>
      coverage.every((hosts) => hosts >= 1),
    )
    expect(peers.map(({ member }) => member.snapshot().hosted.length)).toEqual(new Array(8).fill(2))
  })
})

const anybody = () => true

describe('a layer that only stragglers host', () => {
  const presence = (layers: readonly number[], layerMs: number): Presence =>
    anyPresence({ release: '5', sequence: 1, layers, freeSlots: 8, layerMs })
  const table = (layerMs: number) => {
    const peers = new PeerTable('5')
    for (let i = 0; i < 4; i++) peers.hear(`slow ${i}` as PeerId, presence([0], 10 * layerMs), 0)
    for (let i = 0; i < 6; i++) peers.hear(`fast ${i}` as PeerId, presence([1, 2], layerMs), 0)
    return peers
  }

  test('counts as rare, and a quick host takes it up', () => {
    const strength = table(90).strength(3, anybody)
    expect(strength).toEqual([1, 6, 6])
    const swap = Array.from({ length: 50 }, (_, round) =>
      rebalance(strength, new Set([1, 2]), 2, self, 10, round),
    ).find(Boolean)
    expect(swap?.host).toBe(0)
    expect(table(90).coverage(3)).toEqual([4, 6, 6])
  })

  test('counts in full where even they are quick', () => {
    expect(table(1).strength(3, anybody)).toEqual([4, 6, 6])
  })
})

describe('rebalancing', () => {
  test('covers a layer that nobody hosts, giving up the most common one', () => {
    const swap = Array.from({ length: 50 }, (_, round) =>
      rebalance([4, 0, 2], new Set([0, 2]), 2, self, 4, round),
    ).find(Boolean)
    expect(swap).toEqual({ host: 1, drop: 0 })
  })

  test('never gives up the only copy of a layer', () => {
    const swaps = Array.from({ length: 200 }, (_, round) =>
      rebalance([0, 0, 0], new Set([0, 2]), 2, self, 0, round),
    )
    expect(swaps.filter(Boolean)).toEqual([])
  })

  test('gives a layer with a single host a second one, if two others host what is left for it', () => {
    const found = (coverage: readonly number[]) =>
      Array.from({ length: 50 }, (_, round) =>
        rebalance(coverage, new Set([0, 2]), 2, self, 4, round),
      ).find(Boolean)
    expect(found([2, 1, 1])).toEqual({ host: 1, drop: 0 })
    expect(found([1, 1, 1])).toBeUndefined()
    expect(found([3, 2, 2])).toBeUndefined()
  })

  test('leaves every layer two hosts, where there is room for no more', () => {
    for (const seed of [1, 2, 3, 4]) {
      const world = new World({ seed })
      const [first] = Array.from({ length: 4 }, (_, i) =>
        world.join(`p${i} of ${seed}`, { serve: 'auto', capacity: 4 }),
      )
      world.clock.run(60_000)
      expect(first?.member.snapshot().coverage).toEqual(new Array(8).fill(2))
    }
  })

  test('leaves an even swarm alone', () => {
    const swaps = Array.from({ length: 200 }, (_, round) =>
      rebalance([2, 3, 2], new Set([0, 1]), 2, self, 5, round),
    )
    expect(swaps.filter(Boolean)).toEqual([])
  })

  test('brings back a layer whose hosts all died', () => {
    const world = new World({ seed: 5 })
    const fixed = world.join('only-host', { serve: [7] })
    const others = Array.from({ length: 6 }, (_, i) =>
      world.join(`p${i}`, { serve: 'auto', capacity: 2 }),
    )
    world.clock.run(20_000)
    for (const { peer, member } of others)
      if (member.snapshot().hosted.includes(7)) world.kill(peer)
    world.kill(fixed.peer)
    world.clock.run(60_000)
    const [survivor] = [...world.inhabitants.values()]
    expect(survivor?.member.snapshot().coverage[7]).toBeGreaterThan(0)
  })
})

test('a paused peer hosts nothing that others can see, and is back after resuming', () => {
  const world = new World()
  const a = world.join('a', { serve: [0, 1] })
  const b = world.join('b')
  world.clock.run(2_000)
  a.member.pause()
  world.clock.run(2_100)
  expect(b.member.snapshot().coverage.slice(0, 2)).toEqual([0, 0])
  expect(a.member.snapshot().reason).toContain('paused')
  a.member.resume()
  world.clock.run(2_200)
  expect(b.member.snapshot().coverage.slice(0, 2)).toEqual([1, 1])
})

test('a smaller capacity drops the layers that others host most', () => {
  const world = new World()
  const a = world.join('a', { serve: 'auto', capacity: 8 })
  world.join('b', { serve: [0, 1, 2] })
  world.clock.run(3_000)
  a.member.setCapacity(5)
  expect(a.member.snapshot().hosted).toEqual([3, 4, 5, 6, 7])
})

test('a layer that only those host whom nobody trusts has no host', () => {
  const peers = new PeerTable('5')
  for (const [name, layers] of [
    ['known', [1]],
    ['sybil', [0, 1]],
  ] as const)
    peers.hear(name as PeerId, anyPresence({ release: '5', layers }), 0)
  expect(peers.strength(2, anybody)).toEqual([1, 2])
  expect(peers.strength(2, ({ peer }) => peer === 'known')).toEqual([0, 1])
})
