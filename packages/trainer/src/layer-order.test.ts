import { type ModelSpec, parseModelSpec, VARIANTS, type Variant } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { drawOrder, drawPlan, LAYER_DROP } from './layer-order.ts'
import { CORE_SHARE } from './limits.ts'
import { createRandom } from './random.ts'

const LAYERS = 5
const DRAWS = 4000
/** What a recipe of the paper says of its plans. */
const PAPER = { dropLayers: 0, rounds: [1], distinctLayers: LAYERS, coreRank: 0 }

function specOf(variant: Variant): ModelSpec {
  return parseModelSpec({
    variant,
    imageSize: 4,
    patchSize: 4,
    channels: 1,
    width: 4,
    layers: LAYERS,
    heads: 1,
    mlpWidth: 4,
    classes: 2,
    layerNormEps: 1e-6,
  })
}

function draws(variant: Variant): number[][] {
  const spec = specOf(variant)
  const random = createRandom(1, 'orders')
  return Array.from({ length: DRAWS }, () => Array.from(drawOrder(spec, random)))
}

describe('the order of a training step', () => {
  test.each(['shuffle', 'position', 'predict'] as const)('is a permutation for %s', (variant) => {
    const orders = draws(variant)
    for (const order of orders) expect(order.toSorted()).toEqual([0, 1, 2, 3, 4])
    const firsts = orders.filter(([first]) => first === 2).length / DRAWS
    expect(Math.abs(firsts - 1 / LAYERS)).toBeLessThan(0.03) // five deviations of 0.0063
  })

  test('is the sequence for sequential', () => {
    expect(new Set(draws('sequential').map(String))).toEqual(new Set(['0,1,2,3,4']))
  })

  test('is the sequence without a fifth of the layers for layerdrop, each dropped by itself', () => {
    const orders = draws('layerdrop')
    for (const order of orders) expect(order).toEqual(order.toSorted())
    for (let layer = 0; layer < LAYERS; layer++) {
      const dropped = orders.filter((order) => !order.includes(layer)).length / DRAWS
      expect(Math.abs(dropped - LAYER_DROP)).toBeLessThan(0.032) // five deviations
    }
    const both = orders.filter((order) => !order.includes(0) && !order.includes(1)).length / DRAWS
    expect(Math.abs(both - LAYER_DROP ** 2)).toBeLessThan(0.016)
  })
})

describe('the plan of a pass', () => {
  test.each(VARIANTS)(
    'of the paper is its order and nothing else, from the same draws: %s',
    (variant) => {
      const spec = specOf(variant)
      const [orders, plans] = [createRandom(3, 'orders'), createRandom(3, 'orders')]
      for (let i = 0; i < 100; i++) {
        const { order, rounds, cores } = drawPlan(spec, PAPER, plans)
        expect(cores).toEqual([])
        expect(order).toEqual(drawOrder(spec, orders))
        expect(rounds).toEqual(Array.from(order, () => 1))
      }
      expect(plans.state()).toEqual(orders.state())
    },
  )

  test('leaves out each number of layers as often, and each layer as often', () => {
    const spec = specOf('shuffle')
    const random = createRandom(4, 'orders')
    const plans = Array.from({ length: DRAWS }, () =>
      Array.from(drawPlan(spec, { ...PAPER, dropLayers: 3 }, random).order),
    )
    for (const order of plans) expect(new Set(order).size).toBe(order.length)
    for (const left of [2, 3, 4, 5]) {
      const share = plans.filter(({ length }) => length === left).length / DRAWS
      expect(Math.abs(share - 1 / 4)).toBeLessThan(0.035) // five deviations of 0.0068
    }
    for (let layer = 0; layer < LAYERS; layer++) {
      const share = plans.filter((order) => order.includes(layer)).length / DRAWS
      expect(Math.abs(share - 3.5 / LAYERS)).toBeLessThan(0.037)
    }
  })

  test('is cut into rounds of a drawn size, the last one of what is left', () => {
    const spec = specOf('shuffle')
    const random = createRandom(5, 'orders')
    const seen = new Map<string, number>()
    for (let i = 0; i < DRAWS; i++) {
      const { order, rounds } = drawPlan(spec, { ...PAPER, rounds: [1, 1, 2, 4] }, random)
      expect(order.length).toBe(LAYERS)
      seen.set(rounds.join('+'), (seen.get(rounds.join('+')) ?? 0) + 1)
    }
    expect([...seen.keys()].toSorted()).toEqual(['1+1+1+1+1', '2+2+1', '4+1'])
    expect(Math.abs((seen.get('1+1+1+1+1') ?? 0) / DRAWS - 0.5)).toBeLessThan(0.04)
    expect(Math.abs((seen.get('4+1') ?? 0) / DRAWS - 0.25)).toBeLessThan(0.035)
  })

  test('names layers that share their weights by the first that has them', () => {
    const recipe = { ...PAPER, distinctLayers: 2 }
    const random = createRandom(6, 'orders')
    const plans = Array.from({ length: 100 }, () => drawPlan(specOf('shuffle'), recipe, random))
    for (const { order, rounds } of plans) {
      expect(Array.from(order).toSorted()).toEqual([0, 0, 0, 1, 1])
      expect(rounds).toEqual([1, 1, 1, 1, 1])
    }
    expect(new Set(plans.map(({ order }) => String(order))).size).toBe(10) // 5 over 2
    const inSequence = drawPlan(specOf('sequential'), recipe, random)
    expect(inSequence.order).toEqual([0, 1, 0, 1, 0])
  })

  test('runs each layer as its core as often, each by itself and all its places alike', () => {
    const random = createRandom(7, 'orders')
    const recipe = { ...PAPER, coreRank: 2 }
    const plans = Array.from({ length: DRAWS }, () => drawPlan(specOf('shuffle'), recipe, random))
    const shareWith = (...layers: number[]): number =>
      plans.filter(({ cores }) => layers.every((layer) => cores.includes(layer))).length / DRAWS
    for (let layer = 0; layer < LAYERS; layer++) {
      expect(Math.abs(shareWith(layer) - CORE_SHARE)).toBeLessThan(0.04) // five deviations
    }
    expect(Math.abs(shareWith(0, 3) - CORE_SHARE ** 2)).toBeLessThan(0.035)
    const shared = drawPlan(specOf('shuffle'), { ...recipe, distinctLayers: 1 }, random)
    expect(shared.cores.length).toBeLessThan(2)
  })
})
