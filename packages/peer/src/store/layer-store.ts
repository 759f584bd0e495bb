import type { LayerDtype, Manifest, Part, ReleaseFile, Sha256 } from '@layerswarm/model'
import { filesOf, partName } from '@layerswarm/model'
import { hashOf } from '#digest'
import { freeMemory } from '../engine/free-memory.ts'
import { PeerError } from '../errors.ts'
import { aloneMs, firstOf } from '../hedge.ts'

/** Where files are kept on this machine, and how well. */
export interface StorageState {
  readonly place: 'opfs' | 'cache-storage' | 'files' | 'memory'
  /** The place outlasts the process, and nobody but its user empties it. */
  readonly persisted: boolean
  /** Why files stay in memory although there is a place; one line. */
  readonly problem: string | undefined
}

/** The problem of a browser whose storage has no room left. */
export const STORAGE_FULL = 'the storage is full: new layers stay in memory until the page closes'

/** From `start` up to, not including, `end`; bytes. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** A file that lies in the cache, and is not in memory. */
export interface HeldFile {
  readonly bytes: number
  /** A piece of it; undefined when the cache has lost it. */
  read(range: ByteRange): Promise<Uint8Array | undefined>
}

/**
 * A place on this machine for files by their hash, and for beginnings of such files. It may lose or
 * spoil them: readers check.
 */
export interface BlobCache {
  readonly state: StorageState
  /** @param range of the bytes that are wanted: fewer come where the file ends. */
  read(key: string, range?: ByteRange): Promise<Uint8Array | undefined>
  /** Keeps a copy, as far as there is room; what `read` gives is the caller's own. */
  write(key: string, bytes: Uint8Array): Promise<void>
  remove(key: string): Promise<void>
  /** Lets go of what only this cache needs; it holds nothing afterwards, and takes nothing. */
  close(): Promise<void>
}

/** A place elsewhere that files come from. */
export interface BlobFetcher {
  readonly name: 'peers' | 'http'
  /**
   * @param size of the file; a fetcher stops when it gets more.
   * @returns a copy that is the caller's own, undefined when this source does not have the file.
   * @throws any error, whose message says in one line what went wrong.
   */
  fetch(sha256: Sha256, size: number, signal: AbortSignal): Promise<Uint8Array | undefined>
}

/** The files of one release. Every file that it gives out has the size and hash of the manifest. */
export interface LayerStore {
  /**
   * The file of a part: from the cache, or from the first source that has it right. It is the caller's own, who may
   * hand it over: the store keeps none in memory.
   * @throws PeerError `part-unavailable` naming what each source answered; the signal's reason.
   */
  part(part: Part, signal?: AbortSignal): Promise<Uint8Array>
  /** Size of the file of a part; 0 of one that the release does not have. */
  bytesOf(part: Part): number
  /** A file that this machine has already, whole and right, to be given to other peers piece by piece. */
  held(sha256: string): Promise<HeldFile | undefined>
  readonly storage: StorageState
  /** Bytes of the files given out by `part`, by where they came from. */
  readonly bytesFrom: Readonly<Record<BlobFetcher['name'] | 'cache', number>>
}

/** Where the files of a release come from and are kept. */
export interface LayerStoreNeeds {
  readonly manifest: Pick<Manifest, 'name' | 'parts' | 'layerFiles'>
  /** Which files of layers are given out, of those that the release has; those of its parts unless given. */
  readonly layerDtype?: LayerDtype
  readonly cache: BlobCache
  /** Asked one after the other; who takes long has company. */
  readonly fetchers: readonly BlobFetcher[]
}

/** A store that has read nothing yet. */
export function createLayerStore({
  manifest,
  layerDtype,
  cache,
  fetchers,
}: LayerStoreNeeds): LayerStore {
  const bytesFrom = { peers: 0, http: 0, cache: 0 }
  const files = filesOf(manifest)

  function fileOf(part: Part): ReleaseFile | undefined {
    const those = files.filter((known) => known.part === part)
    return those.find(({ dtype }) => dtype === layerDtype) ?? those[0]
  }

  /** What the cache has, checked; a spoilt file is removed so that it is fetched anew. */
  async function cached(wanted: ReleaseFile): Promise<Uint8Array | undefined> {
    // A cache that fails is a cache that does not have it.
    const bytes = await cache.read(wanted.sha256).catch(() => undefined)
    if (bytes === undefined) return undefined
    if ((await whatIsWrong(bytes, wanted)) === undefined) return bytes
    await cache.remove(wanted.sha256).catch(() => undefined)
    return undefined
  }

  return {
    bytesFrom,
    get storage() {
      return cache.state
    },
    async part(part, signal = new AbortController().signal) {
      const wanted = fileOf(part)
      if (wanted === undefined) {
        throw unavailable(part, `release ${manifest.name} has no such part`)
      }
      const here = await cached(wanted)
      if (here !== undefined) {
        bytesFrom.cache += here.length
        return here
      }
      const attempts = fetchers.map((fetcher) => async (bounded: AbortSignal) => ({
        name: fetcher.name,
        file: await fetchChecked(fetcher, wanted, bounded),
      }))
      const { name, file } = await firstOf(attempts, aloneMs(wanted.bytes), signal).catch(
        (error: unknown) => {
          throw error instanceof AggregateError ? unavailable(part, linesOf(error)) : error
        },
      )
      bytesFrom[name] += file.length
      // Without room in the cache the file is fetched again the next time.
      await cache.write(wanted.sha256, file).catch(() => undefined)
      return file
    },
    bytesOf: (part) => fileOf(part)?.bytes ?? 0,
    async held(sha256) {
      const wanted = files.find((known) => known.sha256 === sha256)
      const file = wanted === undefined ? undefined : await cached(wanted)
      if (file === undefined) return undefined
      const bytes = file.length
      freeMemory(file)
      return { bytes, read: (range) => cache.read(sha256, range).catch(() => undefined) }
    },
  }
}

/** @throws Error with one line that says why this source did not give it. */
async function fetchChecked(
  { name, fetch }: BlobFetcher,
  wanted: ReleaseFile,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const bytes = await fetch(wanted.sha256, wanted.bytes, signal).catch((error: unknown) => {
    throw new Error(`${name}: ${error instanceof Error ? error.message : error}`, { cause: error })
  })
  const wrong = bytes === undefined ? 'does not have it' : await whatIsWrong(bytes, wanted)
  if (bytes === undefined || wrong !== undefined) throw new Error(`${name}: ${wrong}`)
  return bytes
}

/** What every source answered, as one line. */
function linesOf({ errors }: AggregateError): string {
  const lines = errors.map((error: Error) => error.message)
  return `no source gave it (${lines.join('; ') || 'there is none'})`
}

async function whatIsWrong(bytes: Uint8Array, wanted: ReleaseFile): Promise<string | undefined> {
  if (bytes.length !== wanted.bytes) {
    return `gave ${bytes.length} bytes instead of ${wanted.bytes}`
  }
  const actual = await hashOf(bytes)
  return actual === wanted.sha256 ? undefined : `gave a file with the wrong hash ${actual}`
}

function unavailable(part: Part, reason: string): PeerError {
  return new PeerError(
    { code: 'part-unavailable', part: String(part) },
    `${partName(part)} cannot be loaded: ${reason}`,
  )
}
