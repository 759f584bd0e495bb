import { type BlobCache, type ByteRange, STORAGE_FULL, type StorageState } from './layer-store.ts'
import { createMemoryCache } from './memory-cache.ts'

/** One place for all releases: files are named by their hash. */
const PLACE_NAME = 'layerswarm-parts'

/** A storage of the browser, which may refuse to write. */
interface Storage {
  readonly place: 'opfs' | 'cache-storage'
  read(key: string, range?: ByteRange): Promise<Uint8Array | undefined>
  write(key: string, bytes: Uint8Array): Promise<void>
  remove(key: string): Promise<void>
}

/**
 * Files in the origin private file system, or in Cache storage where that cannot be written to.
 * What neither can keep stays in memory: insecure pages and some private windows have no storage,
 * and it can be full.
 * @param _dataDir has a meaning in Node only.
 */
export async function createBlobCache(_dataDir?: string): Promise<BlobCache> {
  const memory = createMemoryCache()
  const storage = (await openFileSystem()) ?? (await openCacheStorage())
  if (storage === undefined) return memory
  const state = { place: storage.place, persisted: false, problem: undefined } as {
    -readonly [Key in keyof StorageState]: StorageState[Key]
  }
  // A browser may ask its user first: nobody waits for the answer.
  void askToPersist().then((persisted) => {
    state.persisted = persisted
  })
  return {
    state,
    async read(key, range) {
      return (await memory.read(key, range)) ?? (await storage.read(key, range))
    },
    async write(key, bytes) {
      try {
        await storage.write(key, bytes)
      } catch (error) {
        state.problem = isQuota(error)
          ? STORAGE_FULL
          : `storage cannot be written: ${String(error)}`
        await memory.write(key, bytes)
      }
    },
    async remove(key) {
      await memory.remove(key)
      await storage.remove(key)
    },
    close: () => memory.close(),
  }
}

/** Whether the browser keeps this origin's files until its user removes them. */
async function askToPersist(): Promise<boolean> {
  try {
    return (await navigator.storage.persisted()) || (await navigator.storage.persist())
  } catch {
    return false
  }
}

function isQuota(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'QuotaExceededError'
}

/** Undefined where there is none, or where a page cannot write to it. */
async function openFileSystem(): Promise<Storage | undefined> {
  try {
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle(PLACE_NAME, { create: true })
    if (!('createWritable' in FileSystemFileHandle.prototype)) return undefined
    return {
      place: 'opfs',
      async read(key, range) {
        try {
          const file = await (await folder.getFileHandle(key)).getFile()
          return await bytesOf(file, range)
        } catch (error) {
          if (error instanceof DOMException && error.name === 'NotFoundError') return undefined
          throw error
        }
      },
      async write(key, bytes) {
        const handle = await folder.getFileHandle(key, { create: true })
        // What is written appears under this name when it is closed, or not at all.
        const file = await handle.createWritable()
        try {
          await file.write(bytes as Uint8Array<ArrayBuffer>)
          await file.close()
        } catch (error) {
          await file.abort().catch(() => undefined)
          await folder.removeEntry(key).catch(() => undefined)
          throw error
        }
      },
      async remove(key) {
        await folder.removeEntry(key).catch(() => undefined)
      },
    }
  } catch {
    return undefined
  }
}

async function openCacheStorage(): Promise<Storage | undefined> {
  try {
    const cache = await caches.open(PLACE_NAME)
    return {
      place: 'cache-storage',
      async read(key, range) {
        const stored = await cache.match(urlOf(key))
        return stored === undefined ? undefined : await bytesOf(await stored.blob(), range)
      },
      async write(key, bytes) {
        await cache.put(urlOf(key), new Response(bytes as Uint8Array<ArrayBuffer>))
      },
      async remove(key) {
        await cache.delete(urlOf(key))
      },
    }
  } catch {
    return undefined
  }
}

async function bytesOf(file: Blob, range?: ByteRange): Promise<Uint8Array> {
  return new Uint8Array(await file.slice(range?.start, range?.end).arrayBuffer())
}

/** Cache storage is keyed by URL; nothing is ever requested from this one. */
function urlOf(key: string): string {
  return `/${PLACE_NAME}/${key}`
}
