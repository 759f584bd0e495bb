import { parseModelSpec } from '@layerswarm/model'
import { afterAll, describe, expect, test } from 'vitest'
import { createBatchPasses } from './batch-passes.ts'
import { createCpuEngine } from './engine/cpu-engine.ts'
import { layoutOf, type ParameterLayout } from './parameters.ts'
import { createRandom } from './random.ts'
import { createTrainSession } from './sessions.ts'

const spec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 4,
  patchSize: 2,
  channels: 1,
  width: 4,
  layers: 4,
  heads: 2,
  mlpWidth: 6,
  classes: 3,
  layerNormEps: 1e-6,
})
const layout = layoutOf(spec)
const random = createRandom(7, 'batch passes')
const parameters = Float32Array.from({ length: layout.elements }, () => random.gaussian() * 0.5)
const engine = createCpuEngine(1)
const BATCH = 4
/** What a recipe of the paper says of its batches. */
const PAPER = { batch: BATCH, orders: 1, distinctLayers: spec.layers, coreRank: 0 }
const patches = Float32Array.from({ length: BATCH * 4 * 4 }, () => random.gaussian())
const targets = Float32Array.from([1, 0, 0, 0, 1, 0, 0, 0.5, 0.5, 0.2, 0.2, 0.6])
afterAll(() => engine.close())

/** Gradients by the name of their layer instead of its slot. */
function byLayer(
  { parts }: ParameterLayout,
  gradients: Float32Array,
  order: ArrayLike<number>,
): Map<string, number[]> {
  const named = parts.flatMap(({ part, tensors }) => {
    if (typeof part === 'number' && part >= order.length) return []
    const owner = typeof part === 'number' ? order[part] : part
    return tensors.map(({ name, offset, elements }): [string, number[]] => [
      `${owner}.${name}`,
      Array.from(gradients.subarray(offset, offset + elements)),
    ])
  })
  return new Map(named)
}

describe('a batch', () => {
  test('with several orders has the mean loss and gradients of its parts', async () => {
    const plans = [
      { order: [2, 0, 1], rounds: [2, 1], cores: [] },
      { order: [0, 2], rounds: [1, 1], cores: [] },
    ]
    const passes = createBatchPasses(engine, spec, { ...PAPER, orders: 2 }, parameters)
    passes.patches.set(patches)
    passes.targets.set(targets)
    const result = await passes.run(plans, [])
    expect(result.order).toEqual([0, 1, 2]) // layer 3 is in neither

    const session = createTrainSession(engine, spec, 2, parameters)
    const expected = new Map<string, number[]>()
    let loss = 0
    for (const [part, { order, rounds }] of plans.entries()) {
      session.patches.set(patches.subarray(part * 32, (part + 1) * 32))
      session.targets.set(targets.subarray(part * 6, (part + 1) * 6))
      loss += (await session.run(order, [], rounds)) / 2
      for (const [name, values] of byLayer(layout, session.gradients, order)) {
        const others = expected.get(name) ?? values.map(() => 0)
        expected.set(
          name,
          values.map((value, i) => (others[i] as number) + value / 2),
        )
      }
    }
    expect(result.loss).toBeCloseTo(loss, 6)
    const found = byLayer(layout, result.gradients, result.order)
    expect([...found.keys()].toSorted()).toEqual([...expected.keys()].toSorted())
    for (const [name, values] of found) {
      const wanted = expected.get(name) ?? []
      for (const [i, value] of values.entries()) expect(value).toBeCloseTo(wanted[i] as number, 6)
    }
    expect(Math.hypot(...(found.get('1.output.dense.weight') ?? []))).toBeGreaterThan(1e-3)
    await session.close()
    await passes.close()
  })

  test('with one order is one pass, to the bit', async () => {
    const order = [3, 1, 0, 2]
    const passes = createBatchPasses(engine, spec, PAPER, parameters)
    const session = createTrainSession(engine, spec, BATCH, parameters)
    for (const one of [passes, session]) {
      one.patches.set(patches)
      one.targets.set(targets)
    }
    const loss = await session.run(order)
    const result = await passes.run([{ order, rounds: [1, 1, 1, 1], cores: [] }], [])
    expect(result).toEqual({ loss, gradients: session.gradients, order })
    await session.close()
    await passes.close()
  })

  // The losses are float32, so that their differences are coarser than those of the reference.
  test('with shared layers has, for each, the gradient of all its places: finite differences', async () => {
    const order = [1, 0, 0, 1]
    const recipe = { ...PAPER, distinctLayers: 2 }
    const own = parameters.slice()
    const passes = createBatchPasses(engine, spec, recipe, own)
    passes.patches.set(patches)
    passes.targets.set(targets)
    const plan = { order, rounds: [1, 1, 1, 1], cores: [] }
    const result = await passes.run([plan], [])
    expect(result.order).toEqual([0, 1])
    const gradients = byLayer(layout, result.gradients.slice(), result.order)
    // Nothing is left for the layers that have none of their own, or it would count when clipping.
    const { offset = 0 } = layout.parts.find(({ part }) => part === 2)?.tensors[0] ?? {}
    expect(result.gradients.subarray(offset).every((value) => value === 0)).toBe(true)

    const slopeAt = async (at: number): Promise<number> => {
      const kept = own[at] as number
      const losses: number[] = []
      for (const step of [0.02, -0.02, 0.01, -0.01]) {
        own[at] = kept + step
        losses.push((await passes.run([plan], [])).loss)
      }
      own[at] = kept
      const [far = 0, farBelow = 0, near = 0, nearBelow = 0] = losses
      return (4 * ((near - nearBelow) / 0.02) - (far - farBelow) / 0.04) / 3
    }
    for (const { part, tensors } of layout.parts) {
      if (typeof part === 'number' && part > 1) continue
      for (const tensor of tensors) {
        const found = gradients.get(`${part}.${tensor.name}`) ?? []
        const scale = Math.max(...found.map(Math.abs), 0.01)
        for (let i = 0; i < tensor.elements; i += 5) {
          const difference = Math.abs((await slopeAt(tensor.offset + i)) - (found[i] as number))
          expect(difference / scale, `${part}.${tensor.name}[${i}]`).toBeLessThan(3e-3)
        }
      }
    }
    await passes.close()
  }, 60_000)
})
