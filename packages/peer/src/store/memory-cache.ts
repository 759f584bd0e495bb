import type { BlobCache } from './layer-store.ts'

/** Files in memory, for tests and for places without a disk. */
export function createMemoryCache(): BlobCache {
  const files = new Map<string, Uint8Array>()
  return {
    state: { place: 'memory', persisted: false, problem: undefined },
    async read(key, range) {
      return files.get(key)?.slice(range?.start, range?.end)
    },
    async write(key, bytes) {
      files.set(key, Uint8Array.from(bytes))
    },
    async remove(key) {
      files.delete(key)
    },
    async close() {
      files.clear()
    },
  }
}
