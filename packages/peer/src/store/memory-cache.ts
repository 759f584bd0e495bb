import type { BlobCache } from './layer-store.ts'

/** Files in memory, for tests and for places without a disk. */
export function createMemoryCache(): BlobCache {
  const files = new Map<string, Uint8Array>()
  return {
    async read(sha256) {
      return files.get(sha256)
    },
    async write(sha256, bytes) {
      files.set(sha256, Uint8Array.from(bytes))
    },
    async remove(sha256) {
      files.delete(sha256)
    },
  }
}
