import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { grayTensor, type Preprocessing, parsePreprocessing } from '@layerswarm/model'
import { type Dataset, loadDataset } from '@layerswarm/trainer'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { picturesOf } from './data-options.ts'
import { readPicture } from './picture.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layerswarm-one-way-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const quiet = { strict: true, log: () => {} }

interface Look {
  readonly width: number
  readonly height: number
  /** Red, green, blue and alpha, as the ink's. */
  readonly ground: readonly number[]
  readonly ink: readonly number[]
}

/** A rectangle of one colour on another, by the class and the number of the picture. */
async function writePicture(path: string, label: number, seed: number, look: Look): Promise<void> {
  const { width, height, ground, ink } = look
  const [w, h] = label === 0 ? [width >> 1, height >> 2] : [width >> 2, height >> 1]
  const [left, top] = [((width - w) >> 1) + (seed % 3), ((height - h) >> 1) - (seed % 2)]
  const raw = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isInk = x >= left && x < left + w && y >= top && y < top + h
      raw.set(isInk ? ink : ground, (y * width + x) * 4)
    }
  }
  await sharp(raw, { raw: { width, height, channels: 4 } })
    .png()
    .toFile(path)
}

const PLACES = ['train/wide', 'train/tall', 'test/wide', 'test/tall']
const FILES = 4

/** Pictures of two classes; the first test picture of one looks `odd`. */
async function writeSet(name: string, look: Look, odd: Look): Promise<string> {
  for (const [place, where] of PLACES.entries()) {
    await mkdir(join(folder, name, where), { recursive: true })
    for (let file = 0; file < FILES; file++) {
      const path = join(folder, name, where, `${file}.png`)
      await writePicture(path, place % 2, file, place === 2 && file === 0 ? odd : look)
    }
  }
  return join(folder, name)
}

/** What a release of a training on this set says. */
function preprocessingOf({ imageSize, mean, std, ...set }: Dataset): Preprocessing {
  const { channels, foreground, resize } = set
  return parsePreprocessing({ size: imageSize, channels, mean, std, foreground, resize })
}

const PAPER = { width: 28, height: 28, ground: [248, 248, 248, 255], ink: [24, 24, 24, 255] }
const NIGHT = { ...PAPER, ground: [16, 16, 16, 255], ink: [224, 224, 224, 255] }
const NOTHING = { ...PAPER, ground: [0, 0, 0, 0] }
const WIDE = { ...PAPER, width: 48, height: 27 }
const SKY = { ...WIDE, ground: [136, 184, 240, 255] }

describe('a set of pictures', () => {
  test.each([
    ['ink on paper', PAPER, PAPER, undefined, 'dark', 1],
    ['light on dark with ink on paper among it', NIGHT, PAPER, undefined, 'light', 1],
    ['ink on nothing', NOTHING, PAPER, undefined, 'dark', 1],
    ['landscapes', SKY, SKY, 24, 'any', 3],
    ['landscapes in grey', WIDE, WIDE, 24, 'dark', 1],
  ] as const)(
    'of %s is the same to train, evaluate and classify',
    async (name, look, odd, size, foreground, channels) => {
      const data = await writeSet(name, look, odd)
      const trained = await loadDataset(data, { pictures: picturesOf(size, undefined, quiet) })
      expect([trained.foreground, trained.channels]).toEqual([foreground, channels])
      const preprocessing = preprocessingOf(trained)
      const { size: imageSize } = preprocessing
      const model = { spec: { imageSize, channels }, preprocessing }
      const evaluated = await loadDataset(data, { pictures: picturesOf(undefined, model, quiet) })
      for (const split of ['train', 'test'] as const) {
        expect(evaluated[split].pixels).toEqual(trained[split].pixels)
      }
      // The test pictures in their order: those of one class by their names, the classes in turns.
      const names = Array.from({ length: FILES }, (_, file) => `${file}.png`).toSorted()
      const values = trained.test.pixels.length / trained.test.count
      for (const [label, one] of trained.labels.entries()) {
        for (const [at, file] of names.entries()) {
          const image = at * trained.labels.length + label
          const bytes = trained.test.pixels.subarray(image * values, (image + 1) * values)
          const asked = await readPicture(join(data, 'test', one, file), preprocessing)
          expect(asked).toEqual(grayTensor(bytes, preprocessing))
        }
      }
    },
  )
})
