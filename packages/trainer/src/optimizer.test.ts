import { parseModelSpec } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { adamwStep, createOptimizerState } from './adamw.ts'
import { modelFile, readModelFile } from './model-file.ts'
import { HOP_EMBEDDING, initialParameters, layoutOf } from './parameters.ts'
import { createRandom } from './random.ts'
import { learningRateAt } from './schedule.ts'

const spec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 4,
  patchSize: 4,
  channels: 1,
  width: 4,
  layers: 2,
  heads: 1,
  mlpWidth: 4,
  classes: 2,
  layerNormEps: 1e-6,
})
const layout = layoutOf(spec)
const offsetOf = (part: number | string, name: string): number => {
  const owner = layout.parts.find((one) => one.part === part)
  const tensor = owner?.tensors.find((one) => one.name === name)
  if (tensor === undefined) throw new Error(`${part}.${name} does not exist`)
  return tensor.offset
}
const settings = { beta2: 0.98, weightDecay: 0.1, clip: 1e6, ema: 0.5 }

describe('AdamW', () => {
  test('moves by the learning rate in the first step, and decays matrices only', () => {
    const state = createOptimizerState(new Float32Array(layout.elements).fill(1))
    const gradients = new Float32Array(layout.elements).fill(-3)
    adamwStep(state, gradients, layout, [0, 1], 1, 0.01, settings)
    // After bias correction the first step is g / |g|; decay takes 0.1 · 0.01 of a matrix.
    expect(state.parameters[offsetOf(0, 'output.dense.bias')]).toBeCloseTo(1.01, 5)
    expect(state.parameters[offsetOf(0, 'output.dense.weight')]).toBeCloseTo(1.009, 5)
    expect(state.parameters[offsetOf('stem', 'embeddings.cls_token')]).toBeCloseTo(1.01, 5)
  })

  test('gives the gradient of a slot to the layer that ran in it', () => {
    const state = createOptimizerState(new Float32Array(layout.elements))
    const gradients = new Float32Array(layout.elements)
    gradients[offsetOf(0, 'output.dense.bias')] = 1
    adamwStep(state, gradients, layout, [1, 0], 1, 0.01, settings)
    expect(state.parameters[offsetOf(1, 'output.dense.bias')]).toBeCloseTo(-0.01, 6)
    expect(state.parameters[offsetOf(0, 'output.dense.bias')]).toBe(0)
  })

  test('leaves a layer that did not run as it is', () => {
    const state = createOptimizerState(new Float32Array(layout.elements).fill(1))
    const gradients = new Float32Array(layout.elements).fill(1)
    adamwStep(state, gradients, layout, [1], 1, 0.01, settings)
    for (const values of [state.parameters, state.m, state.ema]) {
      const [skipped, ran] = [0, 1].map((layer) => values[offsetOf(layer, 'output.dense.bias')])
      expect(skipped).toBe(values === state.m ? 0 : 1)
      expect(ran).not.toBe(skipped)
    }
  })

  test('scales long gradients down to the clip', () => {
    const state = createOptimizerState(new Float32Array(layout.elements))
    const gradients = new Float32Array(layout.elements)
    gradients[0] = 30
    gradients[1] = 40
    adamwStep(state, gradients, layout, [0, 1], 1, 0.01, { ...settings, clip: 5 })
    expect(state.m[0]).toBeCloseTo(0.3, 6)
    expect(state.m[1]).toBeCloseTo(0.4, 6)
  })

  test('averages the weights', () => {
    const state = createOptimizerState(new Float32Array(layout.elements).fill(1))
    const gradients = new Float32Array(layout.elements)
    state.parameters.fill(2)
    adamwStep(state, gradients, layout, [0, 1], 100, 0.01, { ...settings, weightDecay: 0 })
    expect(state.ema[0]).toBeCloseTo(1.5, 6)
  })
})

describe('the learning rate', () => {
  const schedule = { learningRate: 2, warmupSteps: 10, steps: 110 }
  test('rises linearly, falls as a cosine and ends at a hundredth', () => {
    expect(learningRateAt(5, schedule)).toBe(1)
    expect(learningRateAt(10, schedule)).toBe(2)
    expect(learningRateAt(60, schedule)).toBeCloseTo(1.01, 6)
    expect(learningRateAt(110, schedule)).toBeCloseTo(0.02, 6)
  })
})

describe('a random stream', () => {
  test('continues from a saved state', () => {
    const stream = createRandom(5, 'a')
    stream.permutation(10)
    const state = stream.state()
    const ahead = [stream.next(), stream.gaussian(), stream.below(100)]
    stream.restore(state)
    expect([stream.next(), stream.gaussian(), stream.below(100)]).toEqual(ahead)
  })

  test('differs by seed and by label', () => {
    const firsts = [
      createRandom(1, 'a').next(),
      createRandom(2, 'a').next(),
      createRandom(1, 'b').next(),
      createRandom(1 + 2 ** 32, 'a').next(),
    ]
    expect(new Set(firsts).size).toBe(4)
  })

  test('draws all permutations equally often', () => {
    const stream = createRandom(3, 'permutations')
    const counts = new Map<string, number>()
    for (let draw = 0; draw < 6000; draw++) {
      const key = stream.permutation(3).join()
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    expect(counts.size).toBe(6)
    // Expected 1000 each with a deviation of 29: five deviations.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(145)
  })
})

describe('fresh parameters', () => {
  test('of a position model share one hop embedding, which starts at zero and does not decay', () => {
    const position = layoutOf({ ...spec, variant: 'position' })
    const values = initialParameters(position, createRandom(1, 'weights'))
    const embeddings = position.parts.flatMap(({ tensors }) =>
      tensors.filter(({ name }) => name === HOP_EMBEDDING),
    )
    expect(embeddings).toMatchObject([{ shape: [2, 32], decays: false }])
    const [{ offset = 0, elements = 0 } = {}] = embeddings
    expect(new Set(values.subarray(offset, offset + elements))).toEqual(new Set([0]))
    expect(readModelFile({ ...spec, variant: 'position' }, modelFile(position, values))).toEqual(
      values,
    )
  })

  test('have identity norms, zero biases and matrices of the Glorot deviation', () => {
    const wide = layoutOf({ ...spec, width: 64, mlpWidth: 128 })
    const values = initialParameters(wide, createRandom(1, 'weights'))
    const find = (name: string): Float32Array => {
      const tensor = wide.parts.find(({ part }) => part === 0)?.tensors.find((t) => t.name === name)
      return values.subarray(tensor?.offset, (tensor?.offset ?? 0) + (tensor?.elements ?? 0))
    }
    expect(new Set(find('layernorm_after.weight'))).toEqual(new Set([1]))
    expect(new Set(find('output.dense.bias'))).toEqual(new Set([0]))
    const weight = find('output.dense.weight')
    const std = Math.sqrt(weight.reduce((sum, w) => sum + w * w, 0) / weight.length)
    expect(std).toBeCloseTo(Math.sqrt(2 / (64 + 128)), 2)
  })
})
