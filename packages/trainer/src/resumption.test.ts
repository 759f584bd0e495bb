import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSafetensors, tensorValues, writeSafetensors } from '@layerswarm/model'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FIXTURE_IMAGE_SIZE, writeFixture } from './data/idx-fixture.ts'
import { parseRecipe } from './recipe.ts'
import { CHECKPOINT_FILE, resumeCommand, resumeCommandIn } from './resumption.ts'
import { type TrainOptions, train } from './train.ts'

const recipe = parseRecipe({
  ...{ name: 'resumed', variant: 'shuffle', patchSize: 4, width: 8, layers: 2, heads: 2 },
  ...{ mlpWidth: 8, batch: 20, images: 100, optimizer: 'adamw', learningRate: 0.004, beta2: 0.98 },
  ...{ weightDecay: 0.02, clip: 1, warmupSteps: 1, labelSmoothing: 0, ema: 0.9, shift: 0 },
  ...{ flip: 0, erase: 0, keptPatches: 4, keptPatchesUntil: 0, seed: 1, threads: 1 },
})
const words = ['a recipe.json', '--data', 'mine']
const begun = "layerswarm train 'a recipe.json' --data mine --out"

let folder = ''
const at = (...names: string[]): string => join(folder, ...names)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'resumed-'))
  await writeFixture(at('mine'), 60, 20)
  await writeFixture(at('other'), 80, 20)
})
afterEach(() => rm(folder, { recursive: true }))

const trained = (data: string, options: Partial<TrainOptions> = {}) =>
  train(recipe, { outDir: at('out'), dataDir: at(data), engine: 'cpu', words, ...options })

/** Stops after the first step. */
function stopped(): Promise<unknown> {
  const stop = new AbortController()
  const options = { signal: stop.signal, onProgress: () => stop.abort(), progressEverySteps: 1 }
  return trained('mine', options)
}

vi.setConfig({ testTimeout: 60_000 })

describe('a training that is resumed', () => {
  test('goes on with the data that it began with, and says which where it is given others', async () => {
    await expect(stopped()).rejects.toThrow(
      `stopped after step 1 of 5; go on with: ${begun} ${at('out')} --resume`,
    )
    const before = await readFile(at('out', CHECKPOINT_FILE))
    await expect(trained('other', { resume: true })).rejects.toThrow(
      `${at('out', CHECKPOINT_FILE)}: it learns from 60 images of mine (10 classes, 8 × 8 pixels, 1 channel), not from 80 images of other (10 classes, 8 × 8 pixels, 1 channel); go on with: ${begun} ${at('out')} --resume, or start in a new folder`,
    )
    expect(await readFile(at('out', CHECKPOINT_FILE))).toEqual(before)
    await trained('mine', { resume: true })
  })

  test('after its end leaves its report alone where it is given other data', async () => {
    await trained('mine')
    const before = await readFile(at('out', 'report.json'), 'utf8')
    await expect(trained('other', { resume: true })).rejects.toMatchObject({
      fault: { code: 'bad-checkpoint' },
    })
    expect(await readFile(at('out', 'report.json'), 'utf8')).toBe(before)
  })

  test('says so where a picture of its data is another', async () => {
    await expect(stopped()).rejects.toThrow(/^stopped/)
    const file = at('mine', 'train-images-idx3-ubyte')
    const images = await readFile(file)
    images[images.length - FIXTURE_IMAGE_SIZE] = 255 - (images.at(-FIXTURE_IMAGE_SIZE) ?? 0)
    await writeFile(file, images)
    await expect(trained('mine', { resume: true })).rejects.toThrow(
      /: it learns from 60 images of mine \(.*\), which are others now or are prepared otherwise; /,
    )
  })

  test('from a checkpoint that names no data takes what it is given', async () => {
    await expect(stopped()).rejects.toThrow(/^stopped/)
    const file = await readFile(at('out', CHECKPOINT_FILE))
    const { tensors, metadata } = readSafetensors(file)
    const { data: _, words: __, ...older } = metadata
    const copies = Object.entries(tensors).map(([name, entry]) => {
      const data = new Uint8Array(Float32Array.from(tensorValues(file, entry)).buffer)
      return [name, { dtype: entry.dtype, shape: entry.shape, data }] as const
    })
    const stored = writeSafetensors(Object.fromEntries(copies), older)
    await writeFile(at('out', CHECKPOINT_FILE), stored)
    expect(await resumeCommandIn(at('out'))).toMatch(
      /^layerswarm train RECIPE --out .* --resume, with --data, --size, --from and --teacher as/,
    )
    await trained('other', { resume: true })
  })

  test('and was begun by another recipe is told the whole line', async () => {
    await trained('mine')
    const other = train(
      { ...recipe, clip: 2 },
      { outDir: at('out'), dataDir: at('mine'), resume: true, engine: 'cpu' },
    )
    await expect(other).rejects.toThrow(`belongs to another recipe; go on with: ${begun} `)
  })
})

test('a command is said as a shell takes it', () => {
  expect(resumeCommand(["it's.json", '--from', '$HOME/a b'], 'runs/größe')).toBe(
    "layerswarm train 'it'\\''s.json' --from '$HOME/a b' --out runs/größe --resume",
  )
})
