import { parseModelSpec, type Variant } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { drawOrder, LAYER_DROP } from './layer-order.ts'
import { createRandom } from './random.ts'

const LAYERS = 5
const DRAWS = 4000

function draws(variant: Variant): number[][] {
  const spec = parseModelSpec({
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
