import type { Sha256 } from '@layerswarm/model'
import type { BlobCache } from './layer-store.ts'
import { createMemoryCache } from './memory-cache.ts'

/** One cache for all releases: files are named by their hash. */
const CACHE_NAME = 'layerswarm-parts'

/**
 * Files in the browser's Cache storage. What it cannot keep stays in memory: insecure pages and
 * some private windows have no such storage, and it can be full.
 * @param _dataDir has a meaning in Node only.
 */
export async function createBlobCache(_dataDir?: string): Promise<BlobCache> {
  const memory = createMemoryCache()
  const storage = await openStorage()
  if (storage === undefined) return memory
  return {
    async read(sha256) {
      const inMemory = await memory.read(sha256)
      if (inMemory !== undefined) return inMemory
      const stored = await storage.match(keyOf(sha256))
      return stored === undefined ? undefined : new Uint8Array(await stored.arrayBuffer())
    },
    async write(sha256, bytes) {
      try {
        await storage.put(keyOf(sha256), new Response(Uint8Array.from(bytes)))
      } catch {
        await memory.write(sha256, bytes)
      }
    },
    async remove(sha256) {
      await memory.remove(sha256)
      await storage.delete(keyOf(sha256))
    },
  }
}

async function openStorage(): Promise<Cache | undefined> {
  try {
    return await caches.open(CACHE_NAME)
  } catch {
    return undefined
  }
}

/** Cache storage is keyed by URL; nothing is ever requested from this one. */
function keyOf(sha256: Sha256): string {
  return `/layerswarm-parts/${sha256}`
}
