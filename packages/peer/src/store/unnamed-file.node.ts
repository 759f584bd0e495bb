import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileReason } from '@layerswarm/model'
import { createQueue } from '../engine/queue.ts'
import type { BlobCache, ByteRange, StorageState } from './layer-store.ts'
import { createMemoryCache } from './memory-cache.ts'

/** Where one blob lies in a file, counts of bytes. */
export interface Slice {
  readonly start: number
  readonly bytes: number
}

/**
 * Blobs in a temporary file without a name, which the system takes back when this process ends, however that happens:
 * what a peer hosts is in its engine already, and a second copy in memory would double it. What the disk does not take
 * stays in memory, and `state.problem` says so.
 *
 * 1. There is no file before the first blob.
 * 2. One call at a time writes, and a blob is found only once it is written.
 * 3. The room of a removed blob is used again by the next one that fits.
 */
export function createUnnamedFileCache(): BlobCache {
  const memory = createMemoryCache()
  const queue = createQueue()
  const slices = new Map<string, Slice>()
  let file: FileHandle | undefined
  let isClosed = false
  const state = { place: 'files', persisted: false, problem: undefined } as {
    -readonly [Key in keyof StorageState]: StorageState[Key]
  }

  /** The first room between the blobs, or behind them. */
  function startOf(bytes: number): number {
    let start = 0
    for (const slice of [...slices.values()].toSorted((a, b) => a.start - b.start)) {
      if (slice.start - start >= bytes) break
      start = slice.start + slice.bytes
    }
    return start
  }

  async function store(key: string, bytes: Uint8Array): Promise<void> {
    if (isClosed) return
    file ??= await openUnnamed()
    slices.delete(key)
    const slice = { start: startOf(bytes.length), bytes: bytes.length }
    await writeAll(file, bytes, slice.start)
    slices.set(key, slice)
  }

  return {
    state,
    async read(key, range) {
      const inMemory = await memory.read(key, range)
      if (inMemory !== undefined) return inMemory
      return queue(async () => {
        const slice = slices.get(key)
        if (file === undefined || slice === undefined) return undefined
        return readSlice(file, sliceOf(slice, range))
      })
    },
    async write(key, bytes) {
      try {
        await queue(() => store(key, bytes))
        // An older one in memory would be read in its place.
        await memory.remove(key)
      } catch (error) {
        state.problem = `layers cannot be kept in ${tmpdir()}: ${fileReason(error)}; new ones stay in memory until this process ends`
        await memory.write(key, bytes)
      }
    },
    async remove(key) {
      await memory.remove(key)
      slices.delete(key)
    },
    async close() {
      await memory.close()
      await queue(async () => {
        isClosed = true
        slices.clear()
        await file?.close()
        file = undefined
      })
    },
  }
}

async function openUnnamed(): Promise<FileHandle> {
  const path = join(tmpdir(), `layerswarm-${randomUUID()}`)
  const file = await open(path, 'wx+', 0o600)
  // What is open stays usable without its name.
  await unlink(path)
  return file
}

async function writeAll(file: FileHandle, bytes: Uint8Array, start: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, start + done)
    done += bytesWritten
  }
}

/** The part of a slice that a range of it is. */
export function sliceOf({ start, bytes }: Slice, range?: ByteRange): Slice {
  const from = Math.min(range?.start ?? 0, bytes)
  const to = Math.min(range?.end ?? bytes, bytes)
  return { start: start + from, bytes: Math.max(0, to - from) }
}

/** @returns undefined of what is shorter than it was. */
export async function readSlice(file: FileHandle, slice: Slice): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(slice.bytes)
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, slice.start + done)
    if (bytesRead === 0) return undefined
    done += bytesRead
  }
  return bytes
}
