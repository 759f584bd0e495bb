import { mkdtemp, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '@layerswarm/model'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CACHE_DRAFT_MS_MAX } from '../limits.ts'
import { onFullDisk } from '../testing/full-disk.ts'
import * as browser from './cache.browser.ts'
import { createBlobCache } from './cache.node.ts'
import { type BlobCache, createLayerStore } from './layer-store.ts'
import { createMemoryCache } from './memory-cache.ts'
import { createUnnamedFileCache } from './unnamed-file.node.ts'

const FILE = Uint8Array.from({ length: 1_000 }, (_, at) => at % 253)
const HASH = sha256(FILE)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layerswarm-cache-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** What a cache does whose disk takes nothing, in a place that ends so. */
async function keepsInMemory(cache: BlobCache, place: string): Promise<void> {
  expect(cache.state.problem).toBeUndefined()
  await cache.write(HASH, FILE)
  expect(await cache.read(HASH)).toEqual(FILE)
  expect(cache.state.problem).toMatch(
    new RegExp(
      `^layers cannot be kept in .*${place}: .*; new ones stay in memory until this process ends$`,
    ),
  )
  await cache.remove(HASH)
  expect(await cache.read(HASH)).toBeUndefined()
}

describe.each([
  { where: 'in files', create: () => createBlobCache(join(folder, 'new')) },
  { where: 'in a file without a name', create: () => createBlobCache() },
  { where: 'in memory', create: async () => createMemoryCache() },
  { where: 'in a browser without Cache storage', create: () => browser.createBlobCache() },
])('a cache $where', ({ create }) => {
  test('gives back what was written, until it is removed', async () => {
    const cache = await create()
    expect(await cache.read(HASH)).toBeUndefined()
    await cache.write(HASH, FILE)
    await cache.write(HASH, FILE)
    expect(await cache.read(HASH)).toEqual(FILE)
    await cache.remove(HASH)
    await cache.remove(HASH)
    expect(await cache.read(HASH)).toBeUndefined()
  })

  test('gives a piece, and less where the file ends', async () => {
    const cache = await create()
    expect(await cache.read(HASH, { start: 0, end: 10 })).toBeUndefined()
    await cache.write(sha256(Uint8Array.of(1)), Uint8Array.of(1, 2, 3))
    await cache.write(HASH, FILE)
    expect(await cache.read(HASH, { start: 7, end: 500 })).toEqual(FILE.slice(7, 500))
    expect(await cache.read(HASH, { start: 990, end: 1_010 })).toEqual(FILE.slice(990))
    expect(await cache.read(HASH, { start: 1_010, end: 1_020 })).toEqual(new Uint8Array())
    await cache.close()
  })

  test('keeps a copy', async () => {
    const cache = await create()
    const bytes = FILE.slice()
    await cache.write(HASH, bytes)
    bytes.fill(0)
    expect(await cache.read(HASH)).toEqual(FILE)
  })

  test("gives what is the caller's own", async () => {
    const cache = await create()
    await cache.write(HASH, FILE)
    const given = await cache.read(HASH)
    given?.fill(0)
    expect(await cache.read(HASH)).toEqual(FILE)
    await cache.close()
  })
})

describe('a cache in a file without a name', () => {
  const before = process.env.TMPDIR
  beforeEach(() => {
    process.env.TMPDIR = folder
  })
  afterEach(() => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  })

  test('leaves nothing in the folder for temporary files, and holds nothing once it is closed', async () => {
    const cache = createUnnamedFileCache()
    await cache.write(HASH, FILE)
    expect(await readdir(folder)).toEqual([])
    expect(await cache.read(HASH)).toEqual(FILE)
    await cache.close()
    expect(await cache.read(HASH)).toBeUndefined()
    await cache.write(HASH, FILE)
    expect(await cache.read(HASH)).toBeUndefined()
  })

  test('keeps many blobs apart, in room of removed ones too', async () => {
    const cache = createUnnamedFileCache()
    const blob = (value: number, size: number) => new Uint8Array(size).fill(value)
    await Promise.all([1, 2, 3].map((value) => cache.write(`${value}`, blob(value, 100 * value))))
    await cache.remove('2')
    await cache.write('4', blob(4, 150))
    await cache.write('5', blob(5, 90))
    await cache.write('1', blob(6, 500))
    const left = await Promise.all(['1', '2', '3', '4', '5'].map((key) => cache.read(key)))
    expect(left).toEqual([blob(6, 500), undefined, blob(3, 300), blob(4, 150), blob(5, 90)])
    await cache.close()
  })

  test('keeps in memory what its disk does not take, and says so', async () => {
    process.env.TMPDIR = join(folder, 'none')
    const cache = createUnnamedFileCache()
    await keepsInMemory(cache, 'none')
  })
})

describe('a cache in files', () => {
  test('says in one line that its folder is none', async () => {
    await writeFile(join(folder, 'parts'), '')
    await expect(createBlobCache(folder)).rejects.toMatchObject({
      code: 'bad-options',
      message: expect.stringMatching(/parts: it is not a folder; name another folder/),
    })
  })

  test('removes what a process that was killed left unfinished, and nothing that is being written', async () => {
    await createBlobCache(folder)
    const [old, fresh] = ['old', 'fresh'].map((name) => join(folder, 'parts', `${name}.part`))
    for (const path of [old, fresh]) await writeFile(path ?? '', 'half')
    const longAgo = new Date(Date.now() - CACHE_DRAFT_MS_MAX - 60_000)
    await utimes(old ?? '', longAgo, longAgo)
    await createBlobCache(folder)
    expect(await readdir(join(folder, 'parts'))).toEqual(['fresh.part'])
  })

  test('lasts beyond the process, and leaves nothing unfinished', async () => {
    const cache = await createBlobCache(folder)
    await Promise.all([cache.write(HASH, FILE), cache.write(HASH, FILE)])
    expect(await (await createBlobCache(folder)).read(HASH)).toEqual(FILE)
    expect(await readdir(join(folder, 'parts'))).toEqual([HASH])
  })

  test('lets the store notice a file that was cut off or changed on disk, and heal it', async () => {
    const cache = await createBlobCache(folder)
    const file = join(folder, 'parts', HASH)
    const store = createLayerStore({
      manifest: {
        name: 'random',
        parts: [{ part: 0, sha256: HASH, bytes: FILE.length, dtype: 'float32' }],
      },
      cache,
      fetchers: [{ name: 'http', fetch: async () => FILE }],
    })
    await cache.write(HASH, FILE)
    for (const spoil of [() => truncate(file, 99), () => writeFile(file, FILE.toReversed())]) {
      await spoil()
      expect(await store.part(0)).toEqual(FILE)
      expect(await cache.read(HASH)).toEqual(FILE)
    }
    expect(store.bytesFrom).toEqual({ peers: 0, http: 2 * FILE.length, cache: 0 })
  })

  test('keeps in memory what its disk does not take, and says so', async () => {
    const cache = await createBlobCache(folder)
    await rm(join(folder, 'parts'), { recursive: true })
    await keepsInMemory(cache, 'parts')
  })

  test.skipIf(process.platform !== 'linux')(
    'leaves nothing unfinished on a full disk, and writes again when there is room',
    async () => {
      const cache = await createBlobCache(folder)
      await onFullDisk(() => cache.write(HASH, FILE))
      expect(await readdir(join(folder, 'parts'))).toEqual([])
      expect(await cache.read(HASH)).toEqual(FILE)
      await cache.write(HASH, FILE)
      expect(await (await createBlobCache(folder)).read(HASH)).toEqual(FILE)
    },
  )
})
