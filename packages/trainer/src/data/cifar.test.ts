import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadDataset } from './load-dataset.ts'

let folder = ''
const at = (name: string): string => join(folder, name)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cifar-'))
})
afterEach(() => rm(folder, { recursive: true }))

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
    await expect(loadDataset(folder)).rejects.toThrow(
      /data_batch_3\.bin: 3000 bytes are not whole images of 3073 bytes; it is cut off: its end is missing; copy or download it again$/,
    )
    await writeFile(at('data_batch_3.bin'), cifarBytes([[1], [10]]))
    await expect(loadDataset(folder)).rejects.toThrow(/data_batch_3\.bin: label 10 of image 1/)
    await rm(at('data_batch_3.bin'))
    await expect(loadDataset(folder)).rejects.toThrow(/no data_batch_3\.bin in/)
    await writeFile(at('batches.meta.txt'), 'cat\ndog\n')
    await expect(loadDataset(folder)).rejects.toThrow(/batches\.meta\.txt: it names 2 classes/)
  })
})

describe('a file of CIFAR', () => {
  test.each(['data_batch_1.bin', 'test_batch.bin', 'batches.meta.txt'])(
    'that is a Git LFS pointer, a web page or empty is called that: %s',
    async (name) => {
      await writeCifar10()
      await writeFile(
        at(name),
        `version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n`,
      )
      await expect(loadDataset(folder)).rejects.toThrow(`${at(name)}: it is a Git LFS pointer`)
      await writeFile(at(name), '<!DOCTYPE html><html>Sign in</html>')
      await expect(loadDataset(folder)).rejects.toThrow(`${at(name)}: it is a web page`)
      await writeFile(at(name), '')
      await expect(loadDataset(folder)).rejects.toThrow(`${at(name)}: it is empty; copy or`)
    },
  )
})
