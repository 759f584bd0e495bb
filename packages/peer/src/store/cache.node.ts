import { randomUUID } from 'node:crypto'
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileReason } from '@layerswarm/model'
import { PeerError } from '../errors.ts'
import { CACHE_DRAFT_MS_MAX } from '../limits.ts'
import { makeFolder } from '../node/replace-file.node.ts'
import type { BlobCache } from './layer-store.ts'
import { createMemoryCache } from './memory-cache.ts'

/**
 * Files in `dataDir/parts`, named by their hash; in memory without a directory. Several processes
 * may share one directory: a file gets its name only when it is complete. Nothing waits for the disk: a file
 * that a power cut has damaged does not have its hash, and is fetched again.
 * @throws PeerError `bad-options` when the directory cannot be made.
 */
export async function createBlobCache(dataDir?: string): Promise<BlobCache> {
  if (dataDir === undefined) return createMemoryCache()
  const folder = join(dataDir, 'parts')
  await makeFolder(folder).catch((error: unknown) => {
    throw new PeerError(
      { code: 'bad-options', field: 'dataDir' },
      `layers cannot be kept in ${folder}: ${fileReason(error)}; name another folder, or put that right`,
      { cause: error },
    )
  })
  await removeDrafts(folder)
  return {
    state: { place: 'files', persisted: true, problem: undefined },
    async read(key) {
      try {
        return new Uint8Array(await readFile(join(folder, key)))
      } catch {
        return undefined
      }
    },
    async write(key, bytes) {
      const unfinished = join(folder, `${key}.${randomUUID()}.part`)
      try {
        await writeFile(unfinished, bytes)
        await rename(unfinished, join(folder, key))
      } catch (error) {
        await rm(unfinished, { force: true })
        throw error
      }
    },
    async remove(key) {
      await rm(join(folder, key), { force: true })
    },
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
