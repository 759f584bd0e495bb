import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { splitCheckpoint } from '@layerswarm/model'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { writeFixture } from './data/idx-fixture.ts'
import { loadDataset } from './data/load-dataset.ts'
import { createCpuEngine } from './engine/cpu-engine.ts'
import { createEvaluator } from './evaluate.ts'
import { REPORT_SEEDS } from './limits.ts'
import { readModelFile } from './model-file.ts'
import { parseRecipe, type Recipe, specOf } from './recipe.ts'
import type { TrainReport } from './report.ts'
import { type TrainOptions, type TrainProgress, train } from './train.ts'

const recipe: Recipe = parseRecipe({
  name: 'squares',
  variant: 'shuffle',
  patchSize: 4,
  width: 16,
  layers: 3,
  heads: 2,
  mlpWidth: 32,
  batch: 20,
  images: 800,
  optimizer: 'muon',
  learningRate: 0.004,
  beta2: 0.98,
  weightDecay: 0.02,
  clip: 1,
  warmupSteps: 10,
  labelSmoothing: 0.1,
  ema: 0.9,
  shift: 1,
  flip: 0.25,
  erase: 0.2,
  keptPatches: 4,
  keptPatchesUntil: 0.5,
  seed: 1,
  threads: 1,
})

let folder = ''
let dataDir = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'train-'))
  dataDir = join(folder, 'data')
  await writeFixture(dataDir)
})
afterAll(() => rm(folder, { recursive: true }))

async function trainInto(
  name: string,
  chosen: Recipe,
  options: Partial<TrainOptions> = {},
): Promise<string> {
  const outDir = join(folder, name)
  await train(chosen, { outDir, dataDir, engine: 'cpu', evaluateEverySteps: 15, ...options })
  return hashOf(name)
}

async function hashOf(name: string): Promise<string> {
  const model = await readFile(join(folder, name, 'model.safetensors'))
  return createHash('sha256').update(model).digest('hex')
}

vi.setConfig({ testTimeout: 60_000 }) // several whole trainings each

describe('a training', () => {
  test('learns, and works in any order', async () => {
    const longer = { ...recipe, images: 12_000, shift: 0, flip: 0, erase: 0 }
    const outDir = join(folder, 'learns')
    const report = await train(longer, { outDir, dataDir, engine: 'cpu' })
    expect(report.accuracies.images).toBe(200)
    expect(report.accuracies.arbitrary.mean).toBeGreaterThan(0.9)
    expect(report.accuracies.sequential).toBeGreaterThan(0.9)
    expect(report.imagesSeen).toBe(12_000)
    expect(JSON.parse(await readFile(join(outDir, 'report.json'), 'utf8'))).toEqual(report)
    expect(JSON.parse(await readFile(join(outDir, 'recipe.json'), 'utf8'))).toEqual(longer)

    const dataset = await loadDataset(dataDir)
    const spec = specOf(longer, dataset)
    const weights = readModelFile(spec, await readFile(join(outDir, 'model.safetensors')))
    const evaluator = await createEvaluator(spec, weights, dataset, createCpuEngine(1))
    expect(await evaluator.evaluate(dataset.test, REPORT_SEEDS)).toEqual(report.accuracies)
    await evaluator.close()
  })

  test('gives the same weights for the same seed, and others for another', async () => {
    const first = await trainInto('first', recipe)
    expect(await trainInto('second', recipe)).toBe(first)
    expect(await trainInto('other', { ...recipe, seed: 2 })).not.toBe(first)
    expect(await trainInto('threads', { ...recipe, threads: 2 })).toBe(first)
    expect(await trainInto('more threads', recipe, { threads: 3 })).toBe(first)
  })

  test('that is stopped and resumed gives the weights of an unbroken one', async () => {
    const unbroken = await trainInto('unbroken', recipe)
    const stop = new AbortController()
    const onProgress = ({ step }: TrainProgress): void => {
      if (step === 31) stop.abort() // in the second epoch of 27 steps
    }
    const options = { signal: stop.signal, onProgress, progressEverySteps: 1 }
    await expect(trainInto('broken', recipe, options)).rejects.toMatchObject({
      fault: { code: 'stopped', step: 31 },
    })
    expect(await readdir(join(folder, 'broken'))).toEqual(['checkpoint.safetensors'])
    expect(await trainInto('broken', recipe, { resume: true })).toBe(unbroken)

    const curves = await Promise.all(
      ['broken', 'unbroken'].map(async (name) => {
        const report = await readFile(join(folder, name, 'report.json'), 'utf8')
        return JSON.parse(report).curve
      }),
    )
    expect(curves[0]).toEqual(curves[1])
    expect(curves[0].length).toBe(3) // after 15, 30 and 40 steps
  })

  test('that is stopped within a step, or while it measures, goes on as if it had not been', async () => {
    const unbroken = await trainInto('whole', recipe)
    // The step or the measurement after a line of progress is under way a moment later.
    for (const [name, step] of [
      ['in a step', 21],
      ['while measuring', 14],
    ] as const) {
      const stop = new AbortController()
      const onProgress = (progress: TrainProgress): void => {
        if (progress.step === step) setImmediate(() => stop.abort())
      }
      const options = { signal: stop.signal, onProgress, progressEverySteps: 1 }
      await expect(trainInto(name, recipe, options)).rejects.toThrow(
        /^stopped after step \d+ of 40;/,
      )
      expect(await trainInto(name, recipe, { resume: true })).toBe(unbroken)
      const [curve, whole] = await Promise.all(
        [name, 'whole'].map(async (one) => {
          const report = await readFile(join(folder, one, 'report.json'), 'utf8')
          return JSON.parse(report).curve
        }),
      )
      expect(curve).toEqual(whole)
    }
  })

  test('that is stopped while it reads its data or measures at the end has nothing to lose', async () => {
    const early = trainInto('early', recipe, { signal: AbortSignal.abort() })
    await expect(early).rejects.toMatchObject({ fault: { code: 'stopped', step: 0 } })
    const stop = new AbortController()
    const onProgress = ({ step, steps }: TrainProgress): void => {
      if (step === steps) setImmediate(() => stop.abort())
    }
    const late = trainInto('late', recipe, { signal: stop.signal, onProgress })
    await expect(late).rejects.toMatchObject({ fault: { code: 'stopped', step: 40 } })
    expect(await trainInto('late', recipe, { resume: true })).toBe(await trainInto('sure', recipe))
  })

  test('reports its progress', async () => {
    const seen: TrainProgress[] = []
    const onProgress = (progress: TrainProgress): unknown => seen.push(progress)
    await trainInto('progress', recipe, { onProgress, progressEverySteps: 10 })
    expect(seen.map(({ step }) => step)).toEqual([10, 15, 20, 30, 40])
    expect(seen.at(-1)).toMatchObject({ steps: 40, images: 800, etaSeconds: 0 })
    expect(seen.filter(({ evaluation }) => evaluation).map(({ step }) => step)).toEqual([
      15, 30, 40,
    ])
    expect(seen[0]?.imagesPerSecond).toBeGreaterThan(1)
  })

  test('with too few images to hold some out measures nothing on the way', async () => {
    const few = join(folder, 'few')
    await writeFixture(few, 9, 5)
    const seen: TrainProgress[] = []
    const options = {
      dataDir: few,
      onProgress: (progress: TrainProgress) => void seen.push(progress),
    }
    await trainInto('of nine', { ...recipe, batch: 3, images: 90 }, options)
    expect(seen.at(-1)).toMatchObject({ step: 30, heldOutImages: 0 })
    expect(seen.some(({ evaluation }) => evaluation !== undefined)).toBe(false)
    expect(
      JSON.parse(await readFile(join(folder, 'of nine', 'report.json'), 'utf8')).curve,
    ).toEqual([])
    const page = await readFile(join(folder, 'of nine', 'train-report.html'), 'utf8')
    expect(page).toMatch(/too few training images to hold some out/)
    expect(page).not.toMatch(/NaN|<svg/)
  })

  test('whose numbers run away stops and names the step', async () => {
    const wild = {
      ...recipe,
      optimizer: 'adamw' as const,
      learningRate: 1,
      weightDecay: 10,
      warmupSteps: 0,
      images: 20_000,
    }
    await expect(trainInto('wild', wild)).rejects.toThrow(/step \d+: .*not finite.*learningRate/)
  })

  test('that keeps more patches than an image has is refused', async () => {
    await expect(trainInto('patches', { ...recipe, keptPatches: 10_000 })).rejects.toMatchObject({
      fault: { code: 'bad-recipe', field: 'keptPatches' },
    })
  })

  test('with a batch larger than its data is refused', async () => {
    await expect(trainInto('large', { ...recipe, batch: 541 })).rejects.toMatchObject({
      fault: { code: 'bad-recipe', field: 'batch' },
    })
  })
})

describe.each(['position', 'predict', 'layerdrop'] as const)('a training of %s', (variant) => {
  test('that is stopped and resumed gives the weights of an unbroken one', async () => {
    const chosen: Recipe = { ...recipe, variant, optimizer: 'adamw', images: 400 }
    const unbroken = await trainInto(`unbroken ${variant}`, chosen)
    const stop = new AbortController()
    const options = { signal: stop.signal, onProgress: () => stop.abort(), progressEverySteps: 7 }
    const broken = `broken ${variant}`
    await expect(trainInto(broken, chosen, options)).rejects.toThrow(/step 7/)
    expect(await trainInto(broken, chosen, { resume: true })).toBe(unbroken)
    const report = JSON.parse(await readFile(join(folder, broken, 'report.json'), 'utf8'))
    expect(report).toMatchObject({ spec: { variant }, engine: 'onnxruntime-node cpu' })
  })
})

describe('a training with rounds, orders, cores, layers left out or shared, and a teacher', () => {
  const beyond = parseRecipe({
    ...{ ...recipe, images: 400, dropLayers: 1, rounds: [1, 2, 3], orders: 2 },
    ...{ teacherShare: 0.5, teacherOrders: 2, distinctLayers: 2, coreRank: 4 },
  })

  test('that is stopped and resumed gives the weights of an unbroken one', async () => {
    await trainInto('teacher', { ...recipe, images: 400 })
    const spec = specOf(recipe, await loadDataset(dataDir))
    const file = await readFile(join(folder, 'teacher', 'model.safetensors'))
    const model = { spec, parts: splitCheckpoint(file, spec), isBackbone: false }
    const started = { from: model, teachers: [model] }
    const unbroken = await trainInto('unbroken beyond', beyond, started)
    const stop = new AbortController()
    const options = { signal: stop.signal, onProgress: () => stop.abort(), progressEverySteps: 7 }
    const broken = trainInto('beyond', beyond, { ...started, ...options })
    await expect(broken).rejects.toThrow(/step 7/)
    const other = trainInto('beyond', beyond, { teachers: [model], resume: true })
    await expect(other).rejects.toThrow(/began with another model/)
    expect(await trainInto('beyond', beyond, { ...started, resume: true })).toBe(unbroken)
    const [of, by]: unknown[] = await Promise.all(
      ['teacher', 'beyond'].map(async (name) =>
        JSON.parse(await readFile(join(folder, name, 'report.json'), 'utf8')),
      ),
    )
    expect(of).toMatchObject({ startedFrom: null, teachers: [] })
    const { modelHash } = of as TrainReport
    expect(by).toMatchObject({ startedFrom: modelHash, teachers: [modelHash] })
    const alone = { ...beyond, teacherShare: 0 }
    expect(await trainInto('untaught', alone, { from: model })).not.toBe(unbroken)
  })
})

describe('a training whose layers share their weights', () => {
  test('learns, and gives every layer the one file', async () => {
    const still = { shift: 0, flip: 0, erase: 0 }
    const recipeOfOne = { ...recipe, ...still, name: 'shared', images: 12_000, distinctLayers: 1 }
    const outDir = join(folder, 'shared')
    const { spec, accuracies } = await train(recipeOfOne, { outDir, dataDir, engine: 'cpu' })
    const parts = splitCheckpoint(await readFile(join(outDir, 'model.safetensors')), spec)
    expect(parts.get(1)).toEqual(parts.get(0))
    expect(parts.get(2)).toEqual(parts.get(0))
    expect(accuracies.arbitrary).toMatchObject({ mean: accuracies.sequential, std: 0 })
    expect(accuracies.sequential).toBeGreaterThan(0.6)
  })
})

describe('a sequential training', () => {
  test('does not learn to work in arbitrary order', async () => {
    const outDir = join(folder, 'sequential')
    const sequential: Recipe = {
      ...recipe,
      variant: 'sequential',
      images: 12_000,
      shift: 0,
      flip: 0,
      erase: 0,
    }
    const { accuracies } = await train(sequential, { outDir, dataDir, engine: 'cpu' })
    expect(accuracies.sequential).toBeGreaterThan(0.9)
    expect(accuracies.arbitrary.mean).toBeLessThan(0.8)
  })
})

describe('a checkpoint', () => {
  test('that does not exist cannot be resumed', async () => {
    await expect(trainInto('nothing', recipe, { resume: true })).rejects.toMatchObject({
      fault: { code: 'missing-checkpoint' },
    })
  })

  test('of another recipe is refused', async () => {
    await trainInto('recipe', recipe)
    const other = trainInto('recipe', { ...recipe, clip: 2 }, { resume: true })
    await expect(other).rejects.toThrow(/another recipe/)
    await trainInto('recipe', { ...recipe, name: 'renamed' }, { resume: true })
  })

  test('that is damaged is refused', async () => {
    await trainInto('damaged', recipe)
    const file = join(folder, 'damaged', 'checkpoint.safetensors')
    const whole = await readFile(file)
    await writeFile(file, whole.subarray(0, whole.length - 4))
    await expect(trainInto('damaged', recipe, { resume: true })).rejects.toMatchObject({
      fault: { code: 'bad-checkpoint', file },
    })
  })
})
