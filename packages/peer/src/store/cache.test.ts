import { mkdtemp, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '@layerswarm/model'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CACHE_DRAFT_MS_MAX } from '../limits.ts'
import { onFullDisk } from '../testing/full-disk.ts'
import * as browser from './cache.browser.ts'
import { createBlobCache } from './cache.node.ts'
import { createLayerStore } from './layer-store.ts'

const FILE = Uint8Array.from({ length: 1_000 }, (_, at) => at % 253)
const HASH = sha256(FILE)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layerswarm-cache-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe.each([
  { where: 'in files', create: () => createBlobCache(join(folder, 'new')) },
  { where: 'in memory', create: () => createBlobCache() },
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

  test('keeps a copy', async () => {
    const cache = await create()
    const bytes = FILE.slice()
    await cache.write(HASH, bytes)
    bytes.fill(0)
    expect(await cache.read(HASH)).toEqual(FILE)
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
    expect(cache.state.problem).toBeUndefined()
    await cache.write(HASH, FILE)
    expect(await cache.read(HASH)).toEqual(FILE)
    expect(cache.state.problem).toMatch(
      /^layers cannot be kept in .*parts: .*; new ones stay in memory until this process ends$/,
    )
    await cache.remove(HASH)
    expect(await cache.read(HASH)).toBeUndefined()
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
