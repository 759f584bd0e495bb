import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { idxBytes, writeFixture } from './idx-fixture.ts'
import type { DecodePicture } from './image-folder.ts'
import { loadDataset } from './load-dataset.ts'

let folder = ''
const at = (...names: string[]): string => join(folder, ...names)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'data-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('idx files', () => {
  test('with the first labels of MNIST are digits', async () => {
    await writeFixture(folder, 20, 10)
    const labels = [5, 0, 4, 1, 9, 2, 1, 3, 1, 4, ...Array<number>(10).fill(0)]
    await rm(at('train-labels-idx1-ubyte.gz'))
    await writeFile(at('train-labels-idx1-ubyte'), idxBytes([20], Uint8Array.from(labels)))
    const { name, labels: names, channels } = await loadDataset(folder)
    expect([name, names[3], channels]).toEqual(['mnist', '3', 1])
  })

  test('with other labels are Fashion-MNIST', async () => {
    await writeFixture(folder, 20, 10)
    expect(await loadDataset(folder)).toMatchObject({ name: 'fashion-mnist', mean: [0.286] })
  })
})

/** Images of CIFAR: the red values are the class, the green ones 100, the blue ones 200. */
function cifarBytes(labels: readonly number[][]): Uint8Array {
  const images = labels.map((own) => {
    const planes = [own.at(-1) ?? 0, 100, 200].flatMap((value) => Array<number>(1024).fill(value))
    return [...own, ...planes]
  })
  return Uint8Array.from(images.flat())
}

async function writeCifar10(): Promise<void> {
  for (let batch = 1; batch <= 5; batch++) {
    await writeFile(at(`data_batch_${batch}.bin`), cifarBytes([[batch], [9]]))
  }
  await writeFile(at('test_batch.bin'), cifarBytes([[7]]))
  const names = Array.from({ length: 10 }, (_, id) => `thing ${id}`)
  await writeFile(at('batches.meta.txt'), `${names.join('\n')}\n\n`)
}

describe('CIFAR', () => {
  test('of ten classes is read from its five batches, pixel by pixel', async () => {
    await writeCifar10()
    const { name, labels, channels, imageSize, train, test: held } = await loadDataset(folder)
    expect([name, labels[9], channels, imageSize]).toEqual(['cifar-10', 'thing 9', 3, 32])
    expect([...train.labels]).toEqual([1, 9, 2, 9, 3, 9, 4, 9, 5, 9])
    expect([train.count, held.count]).toEqual([10, 1])
    expect([...held.pixels.subarray(0, 6)]).toEqual([7, 100, 200, 7, 100, 200])
  })

  test('of a hundred classes takes the fine ones', async () => {
    await writeFile(at('train.bin'), cifarBytes([[3, 80]]))
    await writeFile(at('test.bin'), cifarBytes([[4, 99]]))
    const names = Array.from({ length: 100 }, (_, id) => `thing ${id}`)
    await writeFile(at('fine_label_names.txt'), names.join('\n'))
    const { name, train, test: held } = await loadDataset(folder)
    expect([name, ...train.labels, ...held.labels]).toEqual(['cifar-100', 80, 99])
  })

  test('that is cut off, mislabelled or incomplete is refused with the file', async () => {
    await writeCifar10()
    await writeFile(at('data_batch_3.bin'), cifarBytes([[1]]).subarray(0, 3000))
    await expect(loadDataset(folder)).rejects.toThrow(/data_batch_3\.bin: 3000 bytes.*cut off/)
    await writeFile(at('data_batch_3.bin'), cifarBytes([[1], [10]]))
    await expect(loadDataset(folder)).rejects.toThrow(/data_batch_3\.bin: label 10 of image 1/)
    await rm(at('data_batch_3.bin'))
    await expect(loadDataset(folder)).rejects.toThrow(/no data_batch_3\.bin in/)
    await writeFile(at('batches.meta.txt'), 'cat\ndog\n')
    await expect(loadDataset(folder)).rejects.toThrow(/batches\.meta\.txt: it names 2 classes/)
  })
})

/** Pictures of the tests hold `WIDTHxHEIGHT R G B` as text. */
const decode: DecodePicture = async (path) => {
  const { readFile } = await import('node:fs/promises')
  const [shape = '', ...colour] = (await readFile(path, 'utf8')).split(' ')
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

const pictures = { decode, size: undefined, channels: undefined }

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
    const sized = { decode, size: 5, channels: 1 as const }
    const { imageSize, channels, train } = await loadDataset(folder, { pictures: sized })
    expect([imageSize, channels, train.pixels.length]).toEqual([5, 1, 18 * 25])
  })

  test('is fitted whole, with black around it, and says so', async () => {
    await writePictures('a', 10, '8x4 9 90 200')
    await writePictures('b', 10, '4x8 9 90 200')
    const sized = { decode, size: 4, channels: 3 as const }
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
    const given = { decode, size: 4, channels: 1 as const, as }
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
    await expect(loadDataset(folder, { pictures })).rejects.toThrow(/holds 1 class folders/)
    await mkdir(at('b'))
    await expect(loadDataset(folder, { pictures })).rejects.toThrow(/b: no PNG, JPEG or WebP/)
    await writePictures('b', 2, '5x5 1 1 1')
    await expect(loadDataset(folder, { pictures })).rejects.toThrow(
      /b.0\.png: it has 5 × 5.*--size/,
    )
    await writePictures('a', 10, '5x4 1 1 1')
    await expect(loadDataset(folder, { pictures })).rejects.toThrow(
      /a.0\.png: it has 5 × 4.*--size/,
    )
    await rm(at('a'), { recursive: true })
    await writePictures('test/c', 1)
    await writePictures('test/d', 1)
    await writePictures('train/c', 1)
    await writePictures('train/e', 1)
    await expect(loadDataset(folder, { pictures })).rejects.toThrow(/d: there are no training/)
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
