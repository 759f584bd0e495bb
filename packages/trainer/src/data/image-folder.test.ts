import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CodedError, foreignFile } from '@layerswarm/model'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SAMPLED_PICTURES_MAX } from '../limits.ts'
import { type ImageFolderOptions, loadImageFolder } from './image-folder.ts'
import type { DecodePicture } from './prepared-files.ts'

class BadPicture extends CodedError<{ code: 'bad-picture' }> {}

const GOOD = 'good'
const LFS = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n'

let folder = ''
const at = (...names: string[]): string => join(folder, ...names)
const decoded: string[] = []
const told: string[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'folder-'))
  for (const list of [decoded, told]) list.splice(0)
})
afterEach(() => rm(folder, { recursive: true }))

/** 2 × 2 grey pixels of a file that says so; the faults of others are worded as the command's are. */
const decode: DecodePicture = async (path) => {
  decoded.push(path)
  const bytes = await readFile(path)
  if (bytes.toString() === GOOD) {
    return { width: 2, height: 2, data: new Uint8Array(16).fill(255) }
  }
  const foreign = foreignFile(bytes)
  const reason = foreign === undefined ? 'is damaged' : `is ${foreign}`
  throw new BadPicture({ code: 'bad-picture' }, `${path} ${reason}`)
}

const options = {
  ...{ decode, size: undefined, channels: undefined, strict: false },
  tell: (line: string) => void told.push(line),
}
const load = (changes: Partial<ImageFolderOptions> = {}) =>
  loadImageFolder(folder, 'set', { ...options, ...changes }, undefined)

async function write(name: string, contents: readonly string[]): Promise<void> {
  await mkdir(at(name), { recursive: true })
  await Promise.all(
    contents.map((text, i) => writeFile(at(name, `${String(i).padStart(3, '0')}.png`), text)),
  )
}

const times = (count: number, text: string): string[] => Array<string>(count).fill(text)

describe('pictures that cannot be read', () => {
  test('are left out with their number, though more of them come first than are tried for the size', async () => {
    const bad = SAMPLED_PICTURES_MAX + 50
    await write('train/cat', [...times(bad, 'noise'), ...times(3, GOOD)])
    await write('train/dog', times(40, GOOD))
    for (const name of ['test/cat', 'test/dog']) await write(name, [GOOD])
    const { train } = await load()
    expect(train.count).toBe(43)
    expect(told[0]).toBe(`${folder}: ${bad} faults, left out (--strict stops instead)`)
    await expect(load({ strict: true })).rejects.toThrow(
      /: 150 faults: .*cat.000\.png is damaged; .*; and 130 more$/,
    )
  })

  test('at the beginning of every class are no reason to stop either', async () => {
    const bad = times(SAMPLED_PICTURES_MAX, 'noise')
    for (const name of ['train/cat', 'train/dog', 'test/cat']) {
      await write(name, [...bad, ...times(20, GOOD)])
    }
    expect((await load()).train.count).toBe(40)
  })

  test('in every class, all of them, stop the reading in one line and soon', async () => {
    for (const name of ['cat', 'dog', 'emu']) await write(name, times(60, LFS))
    await expect(load()).rejects.toThrow(
      `${folder}: none of 100 pictures from all over it can be read: ${at('cat', '000.png')} is a Git LFS pointer, which only names the file: fetch the file itself with git lfs pull`,
    )
    expect(decoded).toHaveLength(SAMPLED_PICTURES_MAX)
    for (const name of ['cat', 'dog', 'emu']) {
      expect(decoded.filter((path) => path.startsWith(at(name))).length).toBeGreaterThan(30)
    }
    expect(told).toEqual([])
  })

  test('stop it in the same line where a size was named', async () => {
    for (const name of ['cat', 'dog']) {
      await write(join('train', name), times(4, '<!doctype html><title>Sign in</title>'))
    }
    const line = /: none of its \d training pictures can be read: .*\.png is a web page, not/
    await expect(load({ size: 2 })).rejects.toThrow(line)
    await expect(load()).rejects.toThrow(line)
    expect(told).toEqual([])
  })
})

test('faults are told by path, with those of the folders themselves', async () => {
  for (const name of ['train/cat', 'train/dog']) {
    await write(name, ['noise', GOOD, 'noise', GOOD])
  }
  await write('test/cat', [GOOD, 'noise'])
  await writeFile(at('train', 'stray.png'), GOOD)
  const faults = [
    `${at('test/cat/001.png')} is damaged`,
    `${at('test')}: there are no pictures of the class dog`,
    ...['cat/000', 'cat/002', 'dog/000', 'dog/002'].map(
      (name) => `${at(`train/${name}.png`)} is damaged`,
    ),
    `${at('train')}: 1 picture in no class folder is not read, stray.png; put it into that of its class`,
  ]
  await load()
  expect(told).toEqual([
    `${folder}: 7 faults, left out (--strict stops instead)`,
    ...faults.map((line) => `  ${line}`),
  ])
  await expect(load({ strict: true })).rejects.toThrow(`${folder}: 7 faults: ${faults.join('; ')}`)
})

test('a picture in no class stops a strict reading', async () => {
  for (const name of ['cat', 'dog']) await write(name, times(4, GOOD))
  await writeFile(at('stray.png'), GOOD)
  const fault = `${folder}: 1 picture in no class folder is not read, stray.png`
  await expect(load({ strict: true })).rejects.toThrow(`one fault: ${fault}`)
  await load()
  expect(told[1]).toContain(fault)
})

test('the first test pictures are of every class, as many as its share', async () => {
  for (const [name, count] of [
    ['cat', 40],
    ['dog', 40],
    ['emu', 20],
  ] as const) {
    for (const split of ['train', 'test']) await write(join(split, name), times(count, GOOD))
  }
  const { test: tests } = await load()
  const first = [...tests.labels.subarray(0, 10)]
  expect([0, 1, 2].map((label) => first.filter((one) => one === label).length)).toEqual([4, 4, 2])
  expect((await load()).test.labels).toEqual(tests.labels)
})
