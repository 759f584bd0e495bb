import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { CodedError } from '@layerswarm/model'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { idxBytes } from './idx-fixture.ts'
import { loadDataset } from './load-dataset.ts'
import type { DecodePicture } from './prepared-files.ts'

let folder = ''
const at = (...names: string[]): string => join(folder, ...names)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'data-'))
})
afterEach(() => rm(folder, { recursive: true }))

const FASHION = [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
const DIGITS = [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]

/** An idx set of images of one brightness, 0 … 255. */
async function writeIdx(labels: readonly number[], pixel: number, names = idxNames()) {
  const images = idxBytes([labels.length, 4, 4], new Uint8Array(labels.length * 16).fill(pixel))
  const classes = idxBytes([labels.length], Uint8Array.from(labels))
  for (const [index, name] of names.entries()) {
    await mkdir(dirname(at(name)), { recursive: true })
    await writeFile(at(name), index % 2 === 0 ? images : classes)
  }
}

const idxNames = (prefix = '', dash = '-'): string[] =>
  ['train', 't10k'].flatMap((split) => [
    `${prefix}${split}-images${dash}idx3-ubyte`,
    `${prefix}${split}-labels${dash}idx1-ubyte`,
  ])

describe('idx files', () => {
  test.each([
    ['mnist', DIGITS, 33, '3', 0.1307],
    ['fashion-mnist', FASHION, 73, 'Dress', 0.286],
  ])(
    'with the labels and the brightness of %s are that',
    async (known, labels, pixel, third, mean) => {
      await writeIdx(labels, pixel)
      const { name, labels: names, mean: found } = await loadDataset(folder)
      expect([name, names[3], found]).toEqual([known, third, [mean]])
    },
  )

  test('with other labels, or other pixels, are classes by number, and are measured', async () => {
    const own = basename(folder)
    await writeIdx([8, 7, 0, 1, 4, 2, 4, 8, 1, 1, 9], 73)
    const other = await loadDataset(folder)
    expect([other.name, ...other.std]).toEqual([own, 0.01])
    expect(other.mean[0]).toBeCloseTo(73 / 255, 9)
    // Fashion-MNIST inverted.
    await writeIdx(FASHION, 255 - 73)
    const { name, labels } = await loadDataset(folder)
    expect([name, labels]).toEqual([own, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']])
  })

  test('may have more classes than ten, unless they are those of a known set', async () => {
    await writeIdx([46, 0, 3], 9, idxNames('emnist-balanced-'))
    expect((await loadDataset(folder)).labels).toHaveLength(47)
    await rm(folder, { recursive: true })
    await writeIdx([...DIGITS, 10], 33)
    await expect(loadDataset(folder)).rejects.toThrow(
      /train-labels.*: label 10 is not among the 10/,
    )
  })

  test('have dots for dashes, or a folder of their own each, after unpacking', async () => {
    await writeIdx(DIGITS, 33, idxNames('', '.'))
    expect((await loadDataset(folder)).name).toBe('mnist')
    await rm(folder, { recursive: true })
    await writeIdx(
      DIGITS,
      33,
      idxNames().map((name) => join(name, name.replace('-idx', '.idx'))),
    )
    expect((await loadDataset(folder)).name).toBe('mnist')
  })

  test('of two sets in one folder are not mixed', async () => {
    await writeIdx(DIGITS, 33, idxNames('emnist-letters-'))
    await writeIdx(DIGITS, 33, idxNames('emnist-digits-'))
    await expect(loadDataset(folder)).rejects.toThrow(/holds 2 sets \("emnist-/)
  })

  test('are found in the only folder of an archive', async () => {
    await writeIdx(DIGITS, 33, idxNames(join('MNIST', 'raw', 'x').slice(0, -1)))
    await writeFile(at('README.txt'), 'how it was made')
    expect((await loadDataset(folder)).name).toBe('mnist')
  })
})

class BadPicture extends CodedError<{ code: 'bad-picture' }> {}

/** Pictures of the tests hold `WIDTHxHEIGHT R G B` as text. */
const decode: DecodePicture = async (path) => {
  const { readFile } = await import('node:fs/promises')
  const text = await readFile(path, 'utf8')
  if (!/^\d+x/.test(text)) throw new BadPicture({ code: 'bad-picture' }, `${path} is broken`)
  const [shape = '', ...colour] = text.split(' ')
  const [width = 0, height = 0] = shape.split('x').map(Number)
  const pixel = [...colour.map(Number), 255]
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height * 4 }, (_, i) => pixel[i % 4] ?? 0),
  }
}

/** 8 × 8 pixels of grey: a bar in the middle of a ground, as `bars GROUND BAR GROUND` says. */
const bars: DecodePicture = async (path) => {
  const { readFile } = await import('node:fs/promises')
  const [, ground = 0, bar = 0] = (await readFile(path, 'utf8')).split(' ').map(Number)
  const data = new Uint8Array(256)
  for (let pixel = 0; pixel < 64; pixel++) {
    const isBar = pixel % 8 > 1 && pixel % 8 < 6 && pixel > 15 && pixel < 48
    data.set([0, 0, 0].fill(isBar ? bar : ground), pixel * 4)
    data[pixel * 4 + 3] = 255
  }
  return { width: 8, height: 8, data }
}

async function writePictures(where: string, count: number, text = '4x4 10 20 30'): Promise<void> {
  await mkdir(at(where), { recursive: true })
  for (let i = 0; i < count; i++) await writeFile(at(where, `${i}.png`), text)
}

const told: string[] = []
beforeEach(() => told.splice(0))
const pictures = {
  ...{ decode, size: undefined, channels: undefined, strict: false },
  tell: (line: string) => void told.push(line),
}
const strict = { ...pictures, strict: true }

describe('a folder of pictures', () => {
  test('has a class per folder, and a tenth of it is for testing', async () => {
    await writePictures('bird', 10, '4x4 255 0 0')
    await writePictures('ant', 10, '4x4 0 0 255')
    await writeFile(at('bird', 'notes.txt'), 'no picture')
    const {
      labels,
      channels,
      imageSize,
      train,
      test: held,
      mean,
      std,
    } = await loadDataset(folder, { pictures })
    expect([labels, channels, imageSize]).toEqual([['ant', 'bird'], 3, 4])
    expect([train.count, held.count]).toEqual([18, 2])
    expect([...held.labels]).toEqual([0, 1])
    expect([...train.pixels.subarray(0, 3)]).toEqual([0, 0, 255])
    expect(mean).toEqual([0.5, 0, 0.5])
    expect(std[0]).toBeCloseTo(0.5, 12)
    expect(std[1]).toBe(0.01)
  })

  test('has every class in any stretch of its training pictures', async () => {
    await writePictures('a', 20)
    await writePictures('b', 40)
    const { train } = await loadDataset(folder, { pictures })
    expect([...train.labels.subarray(-6)].toSorted()).toEqual([0, 0, 1, 1, 1, 1])
    expect([...train.labels.subarray(0, 6)].toSorted()).toEqual([0, 0, 1, 1, 1, 1])
  })

  test('keeps its own split, and grey pictures in one channel', async () => {
    for (const where of ['train/a', 'train/b', 'test/a', 'test/b']) {
      await writePictures(where, 2, '4x4 9 9 9')
    }
    const { channels, train, test: held } = await loadDataset(folder, { pictures })
    expect([channels, train.count, held.count]).toEqual([1, 4, 4])
    expect([...train.pixels.subarray(0, 2)]).toEqual([9, 9])
  })

  test('is fitted to a size that was asked for', async () => {
    await writePictures('a', 10, '8x4 1 2 3')
    await writePictures('b', 10, '6x6 1 2 3')
    const sized = { ...pictures, size: 5, channels: 1 as const }
    const { imageSize, channels, train } = await loadDataset(folder, { pictures: sized })
    expect([imageSize, channels, train.pixels.length]).toEqual([5, 1, 18 * 25])
  })

  test('is fitted whole, with black around it, and says so', async () => {
    await writePictures('a', 10, '8x4 9 90 200')
    await writePictures('b', 10, '4x8 9 90 200')
    const sized = { ...pictures, size: 4, channels: 3 as const }
    const { resize, foreground, train } = await loadDataset(folder, { pictures: sized })
    expect(resize).toEqual({ mode: 'letterbox', fill: 'black', filter: 'bilinear' })
    expect(foreground).toBe('any')
    expect([...train.pixels.subarray(12, 15)]).toEqual([9, 90, 200])
    expect([...train.pixels.subarray(0, 3)]).toEqual([0, 0, 0])
  })

  test('of a model that is there is prepared as the model wants it', async () => {
    await writePictures('a', 10, '8x4 9 9 9')
    await writePictures('b', 10, '4x8 9 9 9')
    const resize = { mode: 'stretch', height: 4, width: 4, filter: 'bicubic' } as const
    const as = { mean: [0.5], foreground: 'any', resize } as const
    const given = { ...pictures, size: 4, channels: 1 as const, as }
    const { train, resize: told } = await loadDataset(folder, { pictures: given })
    expect(told).toEqual(resize)
    expect(new Set(train.pixels)).toEqual(new Set([9]))
  })

  test.each([
    ['dark on light', 250, 'dark', '5 250 5'],
    ['light on dark', 5, 'light', '250 5 250'],
  ] as const)(
    'that shows things %s turns the odd one round',
    async (_, ground, foreground, odd) => {
      const text = (at: number, other: number) => [at, other, at].join(' ')
      for (const name of ['train/a', 'train/b', 'test/a', 'test/b']) {
        await writePictures(name, 20, `bars ${text(ground, 255 - ground)}`)
      }
      // One among them that is the other way round.
      await writeFile(at('train/a/0.png'), `bars ${text(255 - ground, ground)}`)
      const set = await loadDataset(folder, { pictures: { ...pictures, decode: bars } })
      expect([set.channels, set.foreground]).toEqual([1, foreground])
      const rows = Array.from({ length: 40 }, (_, image) =>
        [4, 5, 6].map((column) => set.train.pixels[image * 64 + 24 + column - 3]).join(' '),
      )
      expect(new Set(rows).size).toBe(1)
      expect(rows[0]).not.toBe(odd)
    },
  )

  test('of several sizes, one class, or an empty class is refused', async () => {
    await writePictures('a', 10)
    await expect(loadDataset(folder, { pictures })).rejects.toThrow(/holds 1 class folder/)
    await mkdir(at('b'))
    await expect(loadDataset(folder, { pictures })).rejects.toThrow(
      /holds 1 class folder.*b: no picture that can be read is in it/,
    )
    await writePictures('b', 2, '5x5 1 1 1')
    await expect(loadDataset(folder, { pictures })).rejects.toThrow(
      /b.0\.png: it has 5 × 5.*--size/,
    )
    await writePictures('a', 10, '5x4 1 1 1')
    await expect(loadDataset(folder, { pictures })).rejects.toThrow(
      /a.0\.png: it has 5 × 4.*--size/,
    )
  })
})

describe('faults in a folder of pictures', () => {
  const listed = [
    /a.broken\.png is broken$/,
    /a: 2 \.heic and 1 \.bmp cannot be read; save them as PNG or JPEG$/,
    /b.gone\.png is a link to nothing$/,
    /empty: no picture that can be read is in it$/,
    /test: there are no pictures of the class b$/,
    /new: there are no training pictures of this class; 2 pictures left out$/,
  ]

  beforeEach(async () => {
    await writePictures('train/a', 10)
    await writePictures('train/b', 10)
    await writeFile(at('train/a/broken.png'), 'no picture')
    for (const name of ['1.heic', '2.HEIC', '3.bmp']) await writeFile(at('train/a', name), '')
    await symlink('nowhere', at('train/b/gone.png'))
    await mkdir(at('train/empty'))
    await writePictures('test/a', 3)
    await writePictures('test/new', 2)
  })

  test('are left out and told, all of them at once', async () => {
    const { labels, train, test: held } = await loadDataset(folder, { pictures })
    expect([labels.join(), train.count, held.count]).toEqual(['a,b', 20, 3])
    expect(told[0]).toMatch(/: 6 faults, left out \(--strict stops instead\)$/)
    expect(told).toHaveLength(7)
    for (const fault of listed)
      expect(
        told.some((line) => fault.test(line)),
        `${fault}`,
      ).toBe(true)
  })

  test('stop a strict reading, all of them in one line', async () => {
    const error: unknown = await loadDataset(folder, { pictures: strict }).catch((thrown) => thrown)
    const { message } = error as Error
    expect(message).not.toContain('\n')
    for (const fault of listed) {
      expect(message).toMatch(new RegExp(fault.source.replace(/\$$/, '')))
    }
    expect(told).toEqual([])
  })

  test('that leave a class without a picture stop the reading', async () => {
    for (let i = 0; i < 10; i++) await writeFile(at('train/b', `${i}.png`), 'no picture')
    await expect(loadDataset(folder, { pictures })).rejects.toThrow(
      /not one training picture of the class b can be read/,
    )
    expect(told.filter((line) => line.endsWith('is broken'))).toHaveLength(11)
    for (let i = 0; i < 10; i++) await writeFile(at('train/a', `${i}.png`), 'no picture')
    await expect(loadDataset(folder, { pictures })).rejects.toThrow(
      /: none of its 21 training pictures can be read: .*a.0\.png is broken$/,
    )
  })
})

test('more than 256 classes keep their numbers', async () => {
  // One picture each is enough to train on; one class has a second to test on.
  const names = Array.from({ length: 258 }, (_, label) => `c${1000 + label}`)
  await Promise.all(names.map((name) => writePictures(name, name === 'c1000' ? 2 : 1)))
  const { labels, train } = await loadDataset(folder, { pictures })
  expect(labels).toHaveLength(258)
  expect(new Set(train.labels).size).toBe(258)
  expect(labels[Math.max(...train.labels)]).toBe('c1257')
}, 120_000) // a thousand file operations, half a second on a quiet machine

test('a reading ends when it is told to', async () => {
  await writePictures('a', 10)
  await writePictures('b', 10)
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(loadDataset(folder, { pictures, signal })).rejects.toThrow('enough')
})

describe('a folder in which nothing is read says what was found', () => {
  test.each([
    [
      ['data_batch_1', 'batches.meta'],
      /data_batch_1 is CIFAR-10 as pickles.*cifar-10-binary\.tar\.gz/,
    ],
    [['train', 'test', 'meta'], /is CIFAR-100 as pickles/],
    [['mnist.npz'], /mnist\.npz holds arrays of NumPy/],
    [['fashion-mnist_train.csv'], /fashion-mnist_train\.csv is a table/],
    [['cats.zip'], /cats\.zip is an archive; unpack it first/],
    [['data-00000-of-00001.arrow'], /is a table or a store of records/],
    [
      ['cat.0.jpg', 'cat.1.jpg', 'dog.0.jpg'],
      /holds 3 pictures and no class folders; .*cat.cat\.0\.jpg/,
    ],
    [['a.txt', 'b.txt'], /no data set in it, only a\.txt, b\.txt; what is read: idx files/],
    [[], /it is empty; what is read/],
  ])('%s', async (names, message) => {
    for (const name of names) await writeFile(at(name), 'something')
    const error: unknown = await loadDataset(folder, { pictures }).catch((thrown) => thrown)
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).not.toContain('--data')
  })
})

test('a folder that is not there, or holds nothing, is missing data', async () => {
  const fault = (path: string): Promise<unknown> =>
    loadDataset(path, { pictures }).then(
      () => 'no error',
      (error) => error.fault.code,
    )
  expect(await fault(at('nowhere'))).toBe('missing-data')
  expect(await fault(folder)).toBe('missing-data')
})

test('a size that was named for idx or CIFAR files is refused, not ignored', async () => {
  const options = { pictures: { ...pictures, size: 14, isSizeNamed: true } }
  await writeIdx(DIGITS, 33)
  await expect(loadDataset(folder, options)).rejects.toThrow(
    `${folder}: it holds idx files, whose images keep the size that they have; leave out --size,`,
  )
  // The size of a model to begin with is nobody's word.
  await loadDataset(folder, { pictures: { ...pictures, size: 14 } })
  await writeFile(at('data_batch_1.bin'), '')
  await expect(loadDataset(folder, options)).rejects.toThrow(/: it holds CIFAR files, /)
})
