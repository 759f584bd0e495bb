import { describe, expect, test } from 'vitest'
import { draw } from '../draw.ts'
import { Withholding } from '../fetch/withholding.ts'
import { NO_HOST_GRACE_MS, PRESENCE_INTERVAL_MS_MAX } from '../limits.ts'
import { tagOf } from '../presence/near.ts'
import { PeerTable } from '../presence/peer-table.ts'
import { CLASSIFY_POLICY_DEFAULT } from '../request.ts'
import { anyPresence } from '../testing/any-presence.ts'
import { anyStep, heldTensor, hopsBy } from '../testing/any-step.ts'
import type { PeerId } from '../wire/messages.ts'
import { Coverage } from './coverage.ts'
import { Pending } from './pending.ts'

const peer = 'host' as PeerId
const LAYERS = 4

function lane(...hosted: number[]) {
  return laneOf({ hosted, own: [] })
}

function laneOf({ hosted, own }: { hosted: number[]; own: number[] }) {
  const table = new PeerTable('')
  if (hosted.length > 0) table.hear(peer, anyPresence({ layers: hosted }), 0)
  return {
    table,
    coverage: new Coverage(
      { layers: LAYERS, tokens: 5, width: 8 },
      table,
      new Set(own),
      new Withholding('asker' as PeerId),
      0,
    ),
  }
}

describe('a step can be gone on with', () => {
  test('by whoever hosts an open layer', () => {
    const step = anyStep({ route: hopsBy(peer, 2) })
    expect(lane(0, 1).coverage.isCovered(step)).toBe(false)
    expect(lane(1, 3).coverage.isCovered(step)).toBe(true)
  })

  test('by whoever hosts the layer that is next where an order was asked for', () => {
    const step = anyStep({ route: hopsBy(peer, 1), plan: [0, 2, 3] })
    expect(lane(1, 3).coverage.isCovered(step)).toBe(false)
    expect(lane(2).coverage.isCovered(step)).toBe(true)
  })

  test('where its author names somebody; this member as author of a first step knows no more than it heard', () => {
    const { coverage } = lane()
    expect(coverage.isCovered(anyStep({ route: hopsBy(peer, 1), next: peer }))).toBe(true)
    expect(coverage.isCovered(anyStep({ next: peer }))).toBe(false)
  })

  test('by nobody and need not be, once all layers that were asked for are applied', () => {
    const { coverage } = lane()
    expect(coverage.isCovered(anyStep({ route: hopsBy(peer, LAYERS) }))).toBe(true)
    expect(coverage.isCovered(anyStep({ route: hopsBy(peer, 2), plan: [0, 1] }))).toBe(true)
    expect(coverage.isCovered(anyStep({ route: hopsBy(peer, 2) }))).toBe(false)
  })
})

test('a host is missed from when the lane is known, anew in each lane', () => {
  const { coverage } = lane()
  const wanted = new Pending(
    anyStep(),
    { policy: CLASSIFY_POLICY_DEFAULT, startedMs: 0 },
    { scoringMs: () => 0, barred: () => [] },
    0,
  )
  const step = anyStep({ route: hopsBy(peer, 1) })
  wanted.advance(step, 0)
  const givenUpAtMs = () => wanted.patience.wakeAtMs(step, 0)
  coverage.judge(wanted, 100)
  expect(givenUpAtMs()).toBe(PRESENCE_INTERVAL_MS_MAX + NO_HOST_GRACE_MS)
  coverage.laneEntered(1_000)
  coverage.judge(wanted, 1_000)
  expect(givenUpAtMs()).toBe(1_000 + PRESENCE_INTERVAL_MS_MAX + NO_HOST_GRACE_MS)
})

test('layers that nobody hosts are those that are left and that neither this member nor anybody known has', () => {
  const { coverage } = laneOf({ hosted: [0, 1], own: [2] })
  expect(coverage.shortage(anyStep())).toEqual({ unhosted: [3], runnable: 3 })
  const route = hopsBy(peer, 2)
  expect(coverage.shortage(anyStep({ route }))).toEqual({ unhosted: [3], runnable: 1 })
  expect(lane().coverage.shortage(anyStep({ route }))).toEqual({ unhosted: [2, 3], runnable: 0 })
})

test('an order that was asked for ends at its first layer without a host', () => {
  const { coverage } = lane(0, 2)
  expect(coverage.shortage(anyStep({ plan: [0, 1, 2] }))).toEqual({ unhosted: [1], runnable: 1 })
  expect(coverage.shortage(anyStep({ plan: [2, 0] }))).toEqual({ unhosted: [], runnable: 2 })
})

test('of no layer more than half of the hosts are avoided, those first that hand least over', () => {
  const self = 'asker' as PeerId
  const table = new PeerTable('')
  const hosts = ['a', 'b', 'c', 'd'] as PeerId[]
  for (const host of hosts) table.hear(host, anyPresence({ layers: [0, 1, 2, 3] }), 0)
  const withholding = new Withholding(self)
  const shape = { layers: LAYERS, tokens: 5, width: 8 }
  const coverage = new Coverage(shape, table, new Set(), withholding, 0)
  for (const [worse, host] of hosts.entries())
    for (let times = 0; times < 2 + worse; times++)
      withholding.inVain(anyStep({ activation: heldTensor(host) }), self, 0)
  expect(withholding.avoided(0)).toEqual(['d', 'c', 'b', 'a'])
  const tags = (...peers: string[]) => peers.map((one) => tagOf(draw(one as PeerId)))
  expect(coverage.bars(CLASSIFY_POLICY_DEFAULT, [], 0)).toEqual(tags('c', 'd'))
  // One that has no part in it anyway is no host of it.
  expect(coverage.bars(CLASSIFY_POLICY_DEFAULT, tags('d'), 0)).toEqual(tags('c', 'd'))
  const avoid = hosts.slice(0, 1)
  expect(coverage.bars({ ...CLASSIFY_POLICY_DEFAULT, avoid }, [], 0)).toEqual(tags('d', 'a'))
})
