import { mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sliceImages } from './dataset.ts'
import { FIXTURE_IMAGE_SIZE, idxBytes, writeFixture } from './idx-fixture.ts'
import { loadDataset } from './load-dataset.ts'

let folder = ''
const at = (name: string): string => join(folder, name)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idx-'))
  await writeFixture(folder, 30, 20)
})
afterEach(() => rm(folder, { recursive: true }))

async function faultOfLoading(): Promise<unknown> {
  return loadDataset(folder).then(
    () => 'no error',
    (error) => error.fault,
  )
}

describe('idx files', () => {
  test('are read packed and unpacked', async () => {
    const { imageSize, train, test: held } = await loadDataset(folder)
    expect(imageSize).toBe(FIXTURE_IMAGE_SIZE)
    expect([train.count, held.count]).toEqual([30, 20])
    expect(train.pixels.length).toBe(30 * FIXTURE_IMAGE_SIZE ** 2)
    expect(train.labels.length).toBe(30)
  })

  test('give slices that keep images and labels together', async () => {
    const { train } = await loadDataset(folder)
    const part = sliceImages(train, 10, 12)
    expect(part.count).toBe(2)
    expect(part.labels[1]).toBe(train.labels[11])
    const size = FIXTURE_IMAGE_SIZE ** 2
    expect(part.pixels.subarray(size)).toEqual(train.pixels.subarray(11 * size, 12 * size))
  })

  test('that are missing are named, with what to do', async () => {
    await unlink(at('t10k-labels-idx1-ubyte.gz'))
    await expect(loadDataset(folder)).rejects.toThrow(
      /no t10k-labels-idx1-ubyte .* beside the others/,
    )
    expect(await faultOfLoading()).toEqual({
      code: 'missing-data',
      file: at('t10k-labels-idx1-ubyte'),
    })
  })

  test('that are cut off are refused', async () => {
    const file = at('train-images-idx3-ubyte')
    const whole = await readFile(file)
    await writeFile(file, whole.subarray(0, whole.length - 1))
    expect(await faultOfLoading()).toEqual({ code: 'bad-data', file })
    await expect(loadDataset(folder)).rejects.toThrow(
      /needs 1920 bytes of data, got 1919; it is cut off: its end is missing; copy or download it again$/,
    )
    await writeFile(file, whole.subarray(0, 9))
    await expect(loadDataset(folder)).rejects.toThrow(
      /ends inside its header of 16 bytes; it is cut off: its end is missing/,
    )
    await writeFile(file, '')
    await expect(loadDataset(folder)).rejects.toThrow(/ubyte: it is empty; copy or download/)
  })

  test('that are too long, or no idx files, are not said to be cut off', async () => {
    const file = at('train-images-idx3-ubyte')
    const whole = await readFile(file)
    await writeFile(file, Buffer.concat([whole, whole]))
    await expect(loadDataset(folder)).rejects.toThrow(/needs 1920 bytes of data, got 3856$/)
    await writeFile(file, 'something else')
    await expect(loadDataset(folder)).rejects.toThrow(/does not start with two zero bytes$/)
  })

  test('whose packing is cut off are refused', async () => {
    const file = at('train-labels-idx1-ubyte.gz')
    const whole = await readFile(file)
    await writeFile(file, whole.subarray(0, whole.length - 12))
    expect(await faultOfLoading()).toEqual({ code: 'bad-data', file })
    await expect(loadDataset(folder)).rejects.toThrow(
      /ubyte\.gz: it is cut off: its end is missing; copy or download it again$/,
    )
  })

  test('that are not packed though their name says so are refused', async () => {
    const file = at('train-labels-idx1-ubyte.gz')
    await writeFile(file, 'hello')
    expect(await faultOfLoading()).toEqual({ code: 'bad-data', file })
    await expect(loadDataset(folder)).rejects.toThrow(/damaged or no gzip file/)
    await writeFile(file, idxBytes([30], new Uint8Array(30)))
    await expect(loadDataset(folder)).rejects.toThrow(
      /ubyte\.gz: it is not packed, though its name ends in \.gz: rename it to train-labels-idx1-ubyte$/,
    )
  })

  test('whose labels do not match the images are refused', async () => {
    const file = at('train-labels-idx1-ubyte.gz')
    const labels = gunzipSync(await readFile(file)).subarray(8, 8 + 29)
    await writeFile(file, gzipSync(idxBytes([29], labels)))
    await expect(loadDataset(folder)).rejects.toThrow(/30 images/)
  })

  test('that are a web page or a Git LFS pointer are called that', async () => {
    const file = at('train-images-idx3-ubyte')
    await writeFile(file, '<!doctype html><title>404</title>')
    await expect(loadDataset(folder)).rejects.toThrow(/idx3-ubyte: it is a web page/)
    await unlink(file)
    await writeFile(`${file}.gz`, 'version https://git-lfs.github.com/spec/v1\n')
    await expect(loadDataset(folder)).rejects.toThrow(/ubyte\.gz: it is a Git LFS pointer/)
  })
})
