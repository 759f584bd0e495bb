import {
  createReferenceEngine,
  forward,
  grayTensor,
  type ModelSpec,
  parseModelSpec,
  randomModel,
  softmax,
} from '@layerswarm/model'
import { afterAll, describe, expect, test } from 'vitest'
import type { Dataset } from './data/dataset.ts'
import { createCpuEngine } from './engine/cpu-engine.ts'
import { createRandom } from './random.ts'
import type { StartModel } from './start-model.ts'
import { teacherTargets } from './teacher.ts'

const COUNT = 3
const random = createRandom(1, 'pixels')
const images = {
  count: COUNT,
  pixels: Uint8Array.from({ length: COUNT * 64 }, () => random.below(256)),
  labels: Uint8Array.from([0, 1, 2]),
}
const dataset: Dataset = {
  name: 'noise',
  imageSize: 8,
  channels: 1,
  mean: [0.5],
  std: [0.25],
  labels: ['a', 'b', 'c'],
  train: images,
  test: images,
}
const specOf = (changes: Partial<ModelSpec> = {}): ModelSpec =>
  parseModelSpec({
    ...{ variant: 'shuffle', layers: 2, imageSize: 8, patchSize: 4, channels: 1, width: 8 },
    ...{ heads: 2, mlpWidth: 16, classes: 3, layerNormEps: 1e-6, ...changes },
  })
const teacher = (changes: Partial<ModelSpec>, seed: number): StartModel => {
  const spec = specOf(changes)
  return { spec, parts: randomModel(spec, seed), isBackbone: false }
}
const recipe = { teacherShare: 0.5, teacherOrders: 1, seed: 1 }
const engine = createCpuEngine(1)
afterAll(() => engine.close())

async function probabilities({ spec, parts }: StartModel, order: number[]): Promise<number[]> {
  const reference = createReferenceEngine(spec)
  for (const [part, file] of parts) await reference.load(part, file)
  const pixels = grayTensor(images.pixels, {
    ...{ size: 8, channels: 1, mean: [0.5], std: [0.25], foreground: 'any' },
  })
  return Array.from(softmax(await forward(reference, spec, pixels, order)).data)
}

const targets = (
  teachers: readonly StartModel[],
  changes: Partial<typeof recipe> = {},
): Promise<Float32Array | undefined> =>
  teacherTargets({ ...recipe, ...changes }, teachers, dataset, images, engine, undefined)

function expectClose(found: Float32Array | undefined, wanted: readonly number[]): void {
  expect(found?.length).toBe(wanted.length)
  for (const [i, value] of wanted.entries()) expect(found?.[i]).toBeCloseTo(value, 5)
}

describe('what teachers say', () => {
  test('of a model with an order is what it answers in it', async () => {
    const one = teacher({ variant: 'sequential' }, 1)
    expectClose(await targets([one]), await probabilities(one, [0, 1]))
  })

  test('of several is the mean of their probabilities', async () => {
    const [one, other] = [
      teacher({ variant: 'sequential' }, 1),
      teacher({ variant: 'sequential', width: 16, layers: 1 }, 2),
    ]
    const [a, b] = [await probabilities(one, [0, 1]), await probabilities(other, [0])]
    expectClose(
      await targets([one, other]),
      a.map((p, i) => (p + (b[i] as number)) / 2),
    )
  })

  test('of a model in random order is the mean over the orders that the seed draws', async () => {
    const one = teacher({}, 3)
    const drawn = createRandom(1, 'teacher orders')
    const orders = Array.from({ length: 3 }, () => Array.from(drawn.permutation(2)))
    expect(new Set(orders.map(String)).size).toBe(2) // both orders are in it
    const sum = Array<number>(COUNT * 3).fill(0)
    for (const order of orders) {
      for (const [i, p] of (await probabilities(one, order)).entries()) {
        sum[i] = (sum[i] as number) + p / 3
      }
    }
    expectClose(await targets([one], { teacherOrders: 3 }), sum)
  })

  test('is nothing where there are none', async () => {
    expect(await targets([], { teacherShare: 0 })).toBeUndefined()
  })
})

describe('teachers that do not fit', () => {
  test.each<[string, StartModel[], Partial<typeof recipe>]>([
    ['"teacherShare" is 0.5, but no teacher is named', [], {}],
    ['"teacherShare" is 0', [teacher({}, 1)], { teacherShare: 0 }],
    ['knows 4 classes', [teacher({ classes: 4 }, 1)], {}],
    ['of 4 pixels', [teacher({ imageSize: 4 }, 1)], {}],
    ['a backbone', [{ ...teacher({}, 1), isBackbone: true }], {}],
  ])('are refused: %s', async (message, teachers, changes) => {
    const error = await targets(teachers, changes).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ fault: { code: 'bad-recipe', field: 'teacherShare' } })
    expect(String(error)).toContain(message)
  })
})
