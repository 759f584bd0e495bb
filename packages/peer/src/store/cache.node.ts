import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobCache } from './layer-store.ts'
import { createMemoryCache } from './memory-cache.ts'

/**
 * Files in `dataDir/parts`, named by their hash; in memory without a directory. Several processes
 * may share one directory: a file gets its name only when it is complete.
 * @throws the file system's error when the directory cannot be made.
 */
export async function createBlobCache(dataDir?: string): Promise<BlobCache> {
  if (dataDir === undefined) return createMemoryCache()
  const folder = join(dataDir, 'parts')
  await mkdir(folder, { recursive: true })
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
