import { randomUUID } from 'node:crypto'
import { open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileReason } from '@layerswarm/model'
import { PeerError } from '../errors.ts'
import { CACHE_DRAFT_MS_MAX } from '../limits.ts'
import { makeFolder } from '../node/replace-file.node.ts'
import type { BlobCache, ByteRange, StorageState } from './layer-store.ts'
import { createMemoryCache } from './memory-cache.ts'
import { createUnnamedFileCache, readSlice, sliceOf } from './unnamed-file.node.ts'

/**
 * Files in `dataDir/parts`, named by their hash; in a temporary file without a directory. Several processes
 * may share one directory: a file gets its name only when it is complete. Nothing waits for the disk: a file
 * that a power cut has damaged does not have its hash, and is fetched again. What a full or read-only disk does not
 * take stays in memory, and `state.problem` says so.
 * @throws PeerError `bad-options` when the directory cannot be made.
 */
export async function createBlobCache(dataDir?: string): Promise<BlobCache> {
  if (dataDir === undefined) return createUnnamedFileCache()
  const folder = join(dataDir, 'parts')
  await makeFolder(folder).catch((error: unknown) => {
    throw new PeerError(
      { code: 'bad-options', field: 'dataDir' },
      `layers cannot be kept in ${folder}: ${fileReason(error)}; name another folder, or put that right`,
      { cause: error },
    )
  })
  await removeDrafts(folder)
  const memory = createMemoryCache()
  const state = { place: 'files', persisted: true, problem: undefined } as {
    -readonly [Key in keyof StorageState]: StorageState[Key]
  }
  return {
    state,
    async read(key, range) {
      const inMemory = await memory.read(key, range)
      if (inMemory !== undefined) return inMemory
      try {
        return await readRange(join(folder, key), range)
      } catch {
        return undefined
      }
    },
    async write(key, bytes) {
      try {
        await writeWhole(join(folder, key), bytes)
        // An older one in memory would be read in its place.
        await memory.remove(key)
      } catch (error) {
        state.problem = `layers cannot be kept in ${folder}: ${fileReason(error)}; new ones stay in memory until this process ends`
        await memory.write(key, bytes)
      }
    },
    async remove(key) {
      await memory.remove(key)
      await rm(join(folder, key), { force: true })
    },
    close: () => memory.close(),
  }
}

/** @throws Error of the file system. */
async function readRange(path: string, range?: ByteRange): Promise<Uint8Array | undefined> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    return await readSlice(file, sliceOf({ start: 0, bytes: size }, range))
  } finally {
    await file.close()
  }
}

/** Writes a file that has its name only when it is complete. @throws Error of the file system. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const unfinished = `${path}.${randomUUID()}.part`
  try {
    await writeFile(unfinished, bytes)
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => undefined)
    throw error
  }
}

/** What a process left that was killed while it wrote; nobody writes one file for so long. */
async function removeDrafts(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names.filter((one) => one.endsWith('.part'))) {
    const path = join(folder, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
    if (Date.now() - mtimeMs > CACHE_DRAFT_MS_MAX) await rm(path, { force: true }).catch(() => {})
  }
}
