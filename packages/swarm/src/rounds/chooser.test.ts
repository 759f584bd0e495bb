import { describe, expect, test } from 'vitest'
import { layerSet } from '../claims/layer-set.ts'
import type { PeerId } from '../wire/messages.ts'
import { chooseWay } from './chooser.ts'
import type { Lateness } from './experience.ts'
import { type Executor, planRounds } from './plan.ts'

/** A network and a model, as they are measured. Milliseconds, bytes per millisecond, bytes. */
interface Case {
  readonly name: string
  readonly hosts: number
  readonly layers: number
  /** That each host has; all unless given. */
  readonly hosted?: number
  readonly rttMs: number
  readonly up: number
  readonly down: number
  readonly layerMs: number
  readonly bytes: number
  readonly pending?: number
  readonly maxLossPoints?: number
  readonly tourMs: number
  readonly lateness?: Lateness
  /** Until copies of the hub's other requests have left, milliseconds. */
  readonly waitMs?: number
  readonly chosen: string
}

const AS_EXPECTED: Lateness = { tour: 1, rounds: 1 }
const LAN = { rttMs: 2, up: 125_000, down: 125_000 }
const HOME = { rttMs: 100, up: 2_500, down: 7_500 }
const VITB = { layers: 12, layerMs: 94, bytes: 302_592 }
const SMALL = { layers: 8, layerMs: 0.9, bytes: 6_400 }
/** Fewer rounds cost more points, as they do where they were measured. */
const LOSSES = [
  [1, 5],
  [2, 0.4],
  [4, 0.1],
] as const

const CASES: readonly Case[] = [
  { name: 'a LAN and one host', ...LAN, ...VITB, hosts: 1, tourMs: 1_140, chosen: 'tour' },
  { name: 'a LAN and two hosts', ...LAN, ...VITB, hosts: 2, tourMs: 1_140, chosen: '6+6' },
  { name: 'a LAN and three', ...LAN, ...VITB, hosts: 3, tourMs: 1_140, chosen: '6+6' },
  { name: 'a LAN and six', ...LAN, ...VITB, hosts: 6, tourMs: 1_140, chosen: '6+6' },
  {
    name: 'a LAN where a single round is accepted',
    ...{ ...LAN, ...VITB, hosts: 6, tourMs: 1_140, maxLossPoints: 5 },
    chosen: '12',
  },
  {
    name: 'a LAN where half of the points are accepted that two rounds cost',
    ...{ ...LAN, ...VITB, hosts: 6, tourMs: 1_140, maxLossPoints: 0.2 },
    chosen: '3+3+3+3',
  },
  {
    name: 'a LAN where nothing is accepted',
    ...{ ...LAN, ...VITB, hosts: 6, tourMs: 1_140, maxLossPoints: 0 },
    chosen: 'tour',
  },
  {
    name: 'home uplinks and a big tensor to each layer',
    ...{ ...HOME, ...VITB, hosts: 24, hosted: 1, tourMs: 2_200 },
    chosen: 'tour',
  },
  {
    name: 'home uplinks and a big tensor to every third layer',
    ...{ ...HOME, ...VITB, hosts: 24, hosted: 3, tourMs: 2_200 },
    chosen: '6+6',
  },
  {
    name: 'fibre and a big tensor',
    ...{ ...VITB, rttMs: 20, up: 62_500, down: 62_500, hosts: 24, hosted: 3, tourMs: 1_300 },
    chosen: '6+6',
  },
  {
    name: 'home links, a small tensor and a short tour',
    ...{ ...HOME, ...SMALL, hosts: 24, hosted: 2, tourMs: 230 },
    chosen: 'tour',
  },
  {
    name: 'the same where tours are long',
    ...{ ...HOME, ...SMALL, hosts: 24, hosted: 2, tourMs: 400 },
    chosen: '4+4',
  },
  {
    name: 'the same short tour where tours took half as long again as expected',
    ...{ ...HOME, ...SMALL, hosts: 24, hosted: 2, tourMs: 230 },
    ...{ lateness: { tour: 1.5, rounds: 1.1 }, chosen: '4+4' },
  },
  {
    name: 'the long tour where rounds took twice as long as expected',
    ...{ ...HOME, ...SMALL, hosts: 24, hosted: 2, tourMs: 400 },
    ...{ lateness: { tour: 1.2, rounds: 2.4 }, chosen: 'tour' },
  },
  {
    name: 'a network where everything took half of what was expected',
    ...{ ...LAN, ...VITB, hosts: 3, tourMs: 1_140 },
    ...{ lateness: { tour: 0.5, rounds: 0.5 }, chosen: '6+6' },
  },
  {
    name: 'hosts that have as much to do as rounds would save',
    ...{ ...LAN, ...VITB, hosts: 2, pending: 12, tourMs: 1_140 },
    chosen: 'tour',
  },
  {
    name: 'home uplinks where copies for others would wait longer than rounds save',
    ...{ ...HOME, ...VITB, hosts: 24, hosted: 3, tourMs: 2_200, waitMs: 300 },
    chosen: 'tour',
  },
  {
    name: 'a LAN and one host, where tours took twice as long as expected',
    ...{ ...LAN, ...VITB, hosts: 1, tourMs: 1_140 },
    ...{ lateness: { tour: 2, rounds: 1 }, chosen: 'tour' },
  },
  {
    name: 'graphics cards: a layer of a millisecond',
    ...{ ...HOME, ...VITB, layerMs: 1, hosts: 6, tourMs: 350 },
    chosen: 'tour',
  },
]

function groups(layers: number, count: number): number[] {
  return new Array<number>(count).fill(layers / count)
}

function executorsOf(one: Case): Executor[] {
  const { hosts, layers, hosted = layers, rttMs, up, down, layerMs, bytes, pending = 0 } = one
  return Array.from({ length: hosts }, (_, i) => ({
    peer: `host ${i}` as PeerId,
    layers: layerSet(Array.from({ length: hosted }, (_, l) => (i * hosted + l) % layers)),
    ...{ layerMs, pending, isMeasured: true, isHub: false },
    wayMs: rttMs + 5,
    inMs: bytes / down,
    outMs: bytes / up,
  }))
}

describe('the quickest way that is accepted', () => {
  test.each(CASES)('over $name: $chosen', (one) => {
    const { layers, bytes, up, down, maxLossPoints = 0.5, tourMs, chosen } = one
    const { lateness = AS_EXPECTED, waitMs = 0 } = one
    const way = chooseWay({
      layers: Array.from({ length: layers }, (_, layer) => layer),
      executors: executorsOf(one),
      hub: { sendMs: bytes / up, receiveMs: bytes / down, waitMs },
      groupings: LOSSES.map(([count, lossPoints]) => ({
        groups: groups(layers, count),
        lossPoints,
      })),
      ...{ maxLossPoints, tourMs, lateness },
    })
    expect(way.groups?.join('+') ?? 'tour').toBe(chosen)
    if (lateness === AS_EXPECTED) expect(way.ms).toBeLessThanOrEqual(tourMs)
  })

  test('has a host for every layer, and as many layers as the model', () => {
    const one = { ...(CASES[5] as Case), hosts: 3, hosted: 3, layers: 12 }
    const ways = {
      layers: Array.from({ length: 12 }, (_, layer) => layer),
      executors: executorsOf(one),
      hub: { sendMs: 1, receiveMs: 1, waitMs: 0 },
      ...{ maxLossPoints: 5, tourMs: 10_000, lateness: AS_EXPECTED },
    }
    const lossPoints = 0
    expect(chooseWay({ ...ways, groupings: [{ groups: [6, 6], lossPoints }] }).groups).toBe(
      undefined,
    )
    const whole = { ...ways, executors: executorsOf({ ...one, hosts: 4 }) }
    expect(chooseWay({ ...whole, groupings: [{ groups: [4, 4], lossPoints }] }).groups).toBe(
      undefined,
    )
    expect(chooseWay({ ...whole, groupings: [{ groups: [6, 6], lossPoints }] }).groups).toEqual([
      6, 6,
    ])
  })
})

describe('a plan of rounds', () => {
  const hub = { sendMs: 2, receiveMs: 1, waitMs: 0 }
  const all = Array.from({ length: 8 }, (_, layer) => layer)

  test('has every layer once, where somebody hosts it, and no round above its size', () => {
    const executors = executorsOf({ ...(CASES[3] as Case), layers: 8, hosts: 3, hosted: 3 })
    const { rounds, unhosted } = planRounds([...all, 8], [5, 4], executors, hub)
    const placed = rounds.flatMap((shares) => shares.flatMap(({ layers }) => layers))
    expect(placed.toSorted()).toEqual(all)
    expect(unhosted).toEqual([8])
    const sizes = rounds.map((shares) => shares.reduce((sum, { layers }) => sum + layers.length, 0))
    expect(sizes[0]).toBeLessThanOrEqual(5)
    expect(sizes[1]).toBeLessThanOrEqual(4)
    for (const { executor, layers } of rounds.flat())
      for (const layer of layers) expect(executorsHosting(executor, layer)).toBe(true)
  })

  test('shares evenly among equals', () => {
    const executors = executorsOf({ ...(CASES[3] as Case), layers: 8, hosts: 4 })
    const { rounds } = planRounds(all, [4, 4], executors, hub)
    expect(rounds.map((shares) => shares.map(({ layers }) => layers.length))).toEqual([
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ])
  })
})

function executorsHosting({ layers }: Executor, layer: number): boolean {
  return ((layers.low >> layer) & 1) === 1
}
