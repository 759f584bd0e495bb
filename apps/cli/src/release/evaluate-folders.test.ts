import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseModelSpec, randomModel } from '@layerswarm/model'
import { writeMadeModel } from '@layerswarm/trainer'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readTestImages, sourcesOf } from './evaluate-folders.ts'
import { readModelFolder } from './release-folder.ts'

const LABELS = Array.from({ length: 10 }, (_, id) => `class ${id}`)
/** One byte for the label, then 32 × 32 pixels in three colours. */
const CIFAR_IMAGE_BYTES = 3073

let scratch = ''
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'evaluate-'))
})
afterEach(() => rm(scratch, { recursive: true }))

/** CIFAR-10 of a few images. */
async function writeData(): Promise<string> {
  const folder = join(scratch, 'data')
  await mkdir(folder)
  const images = Uint8Array.from({ length: 10 * CIFAR_IMAGE_BYTES }, (_, i) =>
    i % CIFAR_IMAGE_BYTES === 0 ? i / CIFAR_IMAGE_BYTES : i % 256,
  )
  for (const name of ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4'])
    await writeFile(join(folder, `${name}.bin`), images)
  for (const name of ['data_batch_5', 'test_batch'])
    await writeFile(join(folder, `${name}.bin`), images)
  await writeFile(join(folder, 'batches.meta.txt'), 'abcdefghij'.split('').join('\n'))
  return folder
}

/** Reads the test images for a model of this shape. @returns what was told meanwhile. */
async function read(data: string, imageSize: number, labels: readonly string[]): Promise<string[]> {
  const spec = parseModelSpec({
    ...{ variant: 'shuffle', layers: 1, imageSize, patchSize: 4, channels: 3, width: 8 },
    ...{ heads: 2, mlpWidth: 16, classes: labels.length, layerNormEps: 1e-6 },
  })
  const pixels = { mean: [0, 0, 0], std: [1, 1, 1], foreground: 'any' } as const
  const out = join(scratch, `model ${imageSize} ${labels.length}`)
  await writeMadeModel(out, {
    ...{ name: 'tiny', spec, parts: randomModel(spec, 1), labels, isBackbone: false },
    preprocessing: { size: imageSize, channels: 3, ...pixels },
    ...{ seed: 1, imagesSeen: 0, recipe: {} },
  })
  const told: string[] = []
  const { signal } = new AbortController()
  const log = (line: string) => told.push(line)
  try {
    const sources = sourcesOf({ data, signal, log, progress: () => undefined })
    await readTestImages([await readModelFolder(out)], sources)
  } catch (error) {
    told.push(`refused: ${error instanceof Error ? error.message : error}`)
  }
  return told
}

test('data that do not fit a model are refused, and nothing else is said of them', async () => {
  const data = await writeData()
  expect(await read(data, 8, LABELS)).toEqual([
    'refused: tiny sees 8 pixels in 3 channels; the images have 32 in 3',
  ])
  expect(await read(data, 32, LABELS.slice(0, 2))).toEqual([
    expect.stringMatching(/^refused: tiny knows 2 classes; the images have labels up to/),
  ])
  expect(await read(data, 32, LABELS)).toEqual([
    'tiny knows class 0 as "class 0", the data set as "a"; they are taken for the same',
  ])
})
