import {
  argmax,
  createReferenceEngine,
  forward,
  grayTensor,
  layersOf,
  type ModelSpec,
  noveltyScore,
  parseModelSpec,
  randomModel,
  rowsOf,
  VARIANTS,
} from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { createRandom } from '../random.ts'
import { evaluateMix, evaluateModels, evaluateNovelty, evaluateRounds } from './evaluate-models.ts'
import { mixableSets } from './mixed.ts'
import type { TestImages } from './sweep.ts'

const specOf = (variant: string, layers = 3): ModelSpec =>
  parseModelSpec({
    ...{ variant, layers, imageSize: 8, patchSize: 4, channels: 1, width: 8, heads: 2 },
    ...{ mlpWidth: 16, classes: 4, layerNormEps: 1e-6 },
  })

/** Noise with drawn labels: 130 images are one full batch and one short one. */
function noise(count = 130): TestImages {
  const random = createRandom(1, 'noise')
  return {
    preprocessing: { size: 8, channels: 1, mean: [0.5], std: [0.25], foreground: 'any' },
    images: {
      count,
      pixels: Uint8Array.from({ length: count * 64 }, () => random.below(256)),
      labels: Uint8Array.from({ length: count }, () => random.below(4)),
    },
  }
}

const model = (name: string, spec: ModelSpec, seed = 1) => ({
  name,
  spec,
  parts: randomModel(spec, seed),
})

/** Accuracy of the plain loops in one order. */
async function referenceAccuracy(
  spec: ModelSpec,
  { preprocessing, images }: TestImages,
  order: readonly number[],
): Promise<number> {
  const engine = createReferenceEngine(spec)
  for (const [part, file] of randomModel(spec, 1)) await engine.load(part, file)
  const logits = await forward(engine, spec, grayTensor(images.pixels, preprocessing), order)
  const right = rowsOf(logits).filter((row, image) => argmax(row) === images.labels[image])
  return right.length / images.count
}

/** Accuracy of the plain loops in rounds, whose layers are drawn anew for every 100 images. */
async function referenceInRounds(
  spec: ModelSpec,
  { preprocessing, images }: TestImages,
  sizes: readonly number[],
  seed: number,
): Promise<number> {
  const engine = createReferenceEngine(spec)
  for (const [part, file] of randomModel(spec, 1)) await engine.load(part, file)
  const random = createRandom(seed, 'evaluation orders')
  let right = 0
  for (let start = 0; start < images.count; start += 100) {
    const end = Math.min(images.count, start + 100)
    const order = random.permutation(spec.layers)
    const pixels = images.pixels.subarray(start * 64, end * 64)
    let x = await engine.run('stem', grayTensor(pixels, preprocessing), 0)
    let first = 0
    for (const size of sizes) {
      const sum = Float64Array.from(x.data)
      for (const layer of order.subarray(first, first + size)) {
        const y = await engine.run(layer, x, first)
        for (let i = 0; i < sum.length; i++) {
          sum[i] = (sum[i] as number) + (y.data[i] as number) - (x.data[i] as number)
        }
      }
      x = { shape: x.shape, data: Float32Array.from(sum) }
      first += size
    }
    const rows = rowsOf(await engine.run('head', x, 0))
    right += rows.filter((row, i) => argmax(row) === images.labels[start + i]).length
  }
  return right / images.count
}

describe('an evaluation', () => {
  test('in rounds agrees with the plain loops, grouping by grouping', async () => {
    const spec = specOf('shuffle', 4)
    const images = noise()
    const rounds = [[1, 1, 1, 1], [2, 2], [3, 1], [4]]
    const options = { seeds: 2, rounds }
    const [measured] = (await evaluateModels([model('a', spec)], () => images, options)).releases
    expect(Object.keys(measured?.rounds ?? {}).toSorted()).toEqual(['1+1+1+1', '2+2', '3+1', '4'])
    for (const sizes of rounds) {
      const found = measured?.rounds[sizes.join('+')]
      const first = await referenceInRounds(spec, images, sizes, 0)
      const second = await referenceInRounds(spec, images, sizes, 1)
      expect(found?.mean).toBeCloseTo((first + second) / 2, 9)
    }
    // The same orders, one layer after the other.
    expect(measured?.rounds['1+1+1+1']?.mean).toBe(measured?.arbitrary.mean)
    const alone = await evaluateRounds(model('a', spec), images, options)
    expect(alone['3+1']).toBe(measured?.rounds['3+1']?.mean)
  })

  test.each(VARIANTS)('of a %s model agrees with the plain loops', async (variant) => {
    const spec = specOf(variant)
    const images = noise()
    const { releases } = await evaluateModels([model('a', spec)], () => images)
    const [release] = releases
    expect(release?.sequential).toBe(await referenceAccuracy(spec, images, layersOf(spec)))
    expect(release?.pruned['0']?.arbitrary).toBe(await referenceAccuracy(spec, images, []))
    expect(release).toMatchObject({ name: 'a', variant, layers: 3, images: 130 })
    expect(release?.arbitrary).toMatchObject({ seeds: 5, orders: 10 })
  })

  test('of one layer finds arbitrary order, sequence and float32 on the wire all the same', async () => {
    const { releases } = await evaluateModels([model('a', specOf('shuffle', 1))], () => noise())
    const { sequential, arbitrary, wire, ensembles, heatMap } = releases[0] ?? {}
    expect(arbitrary).toMatchObject({ mean: sequential, std: 0 })
    expect(wire?.float32).toEqual({ accuracy: sequential, agreement: 1, bytesPerHop: 160 })
    expect(wire?.float16?.bytesPerHop).toBe(80)
    expect(wire?.int8?.bytesPerHop).toBe(60)
    expect(ensembles?.map(({ orders, accuracy }) => [orders, accuracy])).toEqual(
      [1, 2, 4, 8].map((orders) => [orders, sequential]),
    )
    expect(heatMap?.[0]?.[0]).toBeCloseTo(sequential ?? 0, 12)
  })

  test('says the same again, whatever the threads', async () => {
    const spec = specOf('position')
    const run = (threads: number) =>
      evaluateModels([model('a', spec)], () => noise(), { threads, seeds: 2 })
    expect(await run(1)).toEqual(await run(2))
  })

  test('merges the models that have one spec, and no others', async () => {
    const models = [
      model('a', specOf('shuffle'), 1),
      model('b', specOf('shuffle'), 2),
      model('c', specOf('sequential'), 3),
    ]
    const { merged } = await evaluateModels(models, () => noise(100))
    expect(merged).toHaveLength(1)
    expect(merged[0]).toMatchObject({ of: ['a', 'b'], variant: 'shuffle', masks: 3, images: 100 })
    expect(merged[0]?.arbitrary.orders).toBe(3)
  })

  test('of a model merged with itself is that of the model', async () => {
    const twice = [model('a', specOf('position')), model('b', specOf('position'))]
    const { releases, merged } = await evaluateModels(twice, () => noise(100))
    expect(merged[0]?.sequential).toEqual({ mean: releases[0]?.sequential, std: 0 })
  })

  test('ends between two batches when it is told to', async () => {
    const ending = new AbortController()
    const running = evaluateModels([model('a', specOf('shuffle'))], () => noise(), {
      signal: ending.signal,
      onProgress: () => ending.abort(new Error('enough')),
    })
    await expect(running).rejects.toThrow('enough')
  })

  test('of a pair tells the mixture beside each by itself, which mixed with itself is as good', async () => {
    const images = noise(50)
    const pair = [model('a', specOf('shuffle', 2), 1), model('b', specOf('shuffle', 2), 2)] as const
    const { releases, mixed } = await evaluateModels(pair, () => images, { seeds: 2 })
    expect(mixed).toMatchObject([{ of: ['a', 'b'], variant: 'shuffle', images: 50 }])
    expect(mixed[0]?.arbitrary.orders).toBe(4)
    const measured = await evaluateMix(...pair, () => images, {})
    expect(measured.own).toBe(releases[0]?.arbitrary.mean)
    expect(measured.other).toBe(releases[1]?.arbitrary.mean)
    expect(measured.accuracy).toBe(mixed[0]?.arbitrary.mean)
    const same = await evaluateMix(pair[0], pair[0], () => images, {})
    expect(same.accuracy).toBeCloseTo(same.own, 12)
  })

  test('mixes all models of one spec', () => {
    const models = ['shuffle', 'position', 'shuffle', 'sequential', 'shuffle'].map(
      (variant, index) => model(`${index}`, specOf(variant)),
    )
    expect(mixableSets(models).map((set) => set.map(({ name }) => name))).toEqual([['0', '2', '4']])
  })

  test('has thresholds of novelty that one in twenty of the images is above', async () => {
    const spec = specOf('shuffle')
    const images = noise(100)
    const measured = await evaluateNovelty(model('a', spec), images, {})
    expect(measured).toMatchObject({ score: 'flatness', images: 100, falseAlarms: 0.05 })
    expect(Object.keys(measured.thresholds)).toEqual(['1', '2', '4', '8'])
    const engine = createReferenceEngine(spec)
    for (const [part, file] of randomModel(spec, 1)) await engine.load(part, file)
    const pixels = grayTensor(images.images.pixels, images.preprocessing)
    const order = Array.from(createRandom(0, 'novelty orders').permutation(spec.layers))
    const scores = rowsOf(await forward(engine, spec, pixels, order)).map((row) =>
      noveltyScore([row]),
    )
    const threshold = measured.thresholds['1'] ?? 0
    expect(scores.filter((score) => score > threshold + 1e-6)).toHaveLength(5)
  })

  test('of a model that keeps its order has one threshold, for its own order', async () => {
    const measured = await evaluateNovelty(model('a', specOf('sequential')), noise(20), {})
    expect(Object.keys(measured.thresholds)).toEqual(['1'])
  })
})
