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
    async read(sha256) {
      try {
        return new Uint8Array(await readFile(join(folder, sha256)))
      } catch {
        return undefined
      }
    },
    async write(sha256, bytes) {
      const unfinished = join(folder, `${sha256}.${randomUUID()}.part`)
      try {
        await writeFile(unfinished, bytes)
        await rename(unfinished, join(folder, sha256))
      } catch (error) {
        await rm(unfinished, { force: true })
        throw error
      }
    },
    async remove(sha256) {
      await rm(join(folder, sha256), { force: true })
    },
  }
}
