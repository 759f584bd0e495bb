import { fetchFault, type Sha256 } from '@layerswarm/model'
import { SERVER_URL_CHARS_MAX } from '@layerswarm/swarm'
import { hashOf } from '#digest'
import { pause } from '../deadline.ts'
import { PeerError } from '../errors.ts'
import { aloneMs, firstOf } from '../hedge.ts'
import {
  DOWNLOAD_CHECKPOINT_BYTES,
  DOWNLOAD_PIECE_BYTES,
  DOWNLOAD_RESUME_AFTER_MS,
  DOWNLOAD_RESUMES_MAX,
} from '../limits.ts'
import type { BlobCache, BlobFetcher } from './layer-store.ts'
import { createMemoryCache } from './memory-cache.ts'

/**
 * Parts from a signaling server: GET {join}parts/{sha256}. A download that breaks off goes on where
 * it stopped, also after a reload of the page: what has come of it is kept in `partials`. Only a right file is given.
 */
export function httpFetcher(join: URL, partials: BlobCache): BlobFetcher {
  return {
    name: 'http',
    async fetch(sha256, size, signal) {
      const url = new URL(`parts/${sha256}`, join)
      const begun = await begunDownload(partials, sha256, size)
      // What was kept may be spoilt, or of another file than the server has now: once it has been read it is forgotten.
      for (let left = begun.length > 0 ? 2 : 1; left > 0; left--) {
        const bytes = await downloadInPieces(url, size, begun, signal)
        if (bytes === undefined || (await hashOf(bytes)) === sha256) return bytes
      }
      throw new Error(`${url.href}: gave a file with the wrong hash`)
    },
  }
}

/**
 * The same from the first of several servers that gives a part; where one breaks off the next goes on, and one that
 * takes long has company, of which nothing is kept.
 */
export function httpFetchers(urls: () => readonly URL[], partials: BlobCache): BlobFetcher {
  return {
    name: 'http',
    async fetch(sha256, size, signal) {
      let atWork = 0
      const attempts = urls().map((url) => async (bounded: AbortSignal) => {
        const own = atWork++ === 0 ? partials : createMemoryCache()
        try {
          const bytes = await httpFetcher(url, own).fetch(sha256, size, bounded)
          if (bytes === undefined) throw LACKS
          return bytes
        } finally {
          atWork--
        }
      })
      try {
        return await firstOf(attempts, aloneMs(size), signal)
      } catch (error) {
        if (!(error instanceof AggregateError)) throw error
        const failure = error.errors.find((one) => one !== LACKS)
        if (failure !== undefined) throw failure
        return undefined
      }
    },
  }
}

/** A server does not have the file. */
const LACKS = new Error('does not have it')

/** The beginning of a file, kept for the next attempt. */
interface Begun {
  /** Bytes that are there already. */
  readonly length: number
  /** What is there: the caller's own, once nothing is added any more. */
  bytes(): Uint8Array
  /** Copies it. */
  add(piece: Uint8Array): Promise<void>
  /** Starts over. */
  clear(): Promise<void>
  /** Keeps what has come so far. */
  keep(): Promise<void>
}

/**
 * Written where the whole file will be, so that it is in memory once.
 * @param bytesMax of the file; a kept beginning that is longer belongs to nothing, and is forgotten.
 */
async function begunDownload(cache: BlobCache, sha256: Sha256, bytesMax: number): Promise<Begun> {
  const key = `${sha256}.begun`
  const file = new Uint8Array(bytesMax)
  let length = 0
  let keptBytes = 0
  // A cache that fails is a cache that has nothing.
  const kept = await cache.read(key).catch(() => undefined)
  if (kept !== undefined && kept.length < bytesMax) {
    file.set(kept)
    length = kept.length
    keptBytes = length
  } else if (kept !== undefined) await cache.remove(key).catch(() => undefined)

  async function keep(): Promise<void> {
    if (length === keptBytes) return
    keptBytes = length
    await cache.write(key, file.subarray(0, length)).catch(() => undefined)
  }
  return {
    get length() {
      return length
    },
    bytes: () => (length === bytesMax ? file : file.slice(0, length)),
    async add(piece) {
      file.set(piece, length)
      length += piece.length
      if (length - keptBytes >= DOWNLOAD_CHECKPOINT_BYTES) await keep()
    },
    async clear() {
      length = 0
      const wasKept = keptBytes > 0
      keptBytes = 0
      if (wasKept) await cache.remove(key).catch(() => undefined)
    },
    keep,
  }
}

/** Nothing is kept of a small file that is read in one go, such as bootstrap.json. */
function unkept(): Begun {
  const pieces: Uint8Array[] = []
  let length = 0
  return {
    bytes: () => joined(pieces, length),
    get length() {
      return length
    },
    async add(piece) {
      pieces.push(piece.slice())
      length += piece.length
    },
    async clear() {
      pieces.length = 0
      length = 0
    },
    keep: async () => undefined,
  }
}

async function downloadInPieces(
  url: URL,
  size: number,
  begun: Begun,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  for (let resumes = 0; ; resumes++) {
    const before = begun.length
    try {
      const bytes = await attempt(url, size, begun, signal)
      await begun.clear()
      return bytes
    } catch (error) {
      await begun.keep()
      const cameForward = begun.length > before
      if (signal.aborted || !cameForward || resumes >= DOWNLOAD_RESUMES_MAX) throw error
      await pause(DOWNLOAD_RESUME_AFTER_MS * 2 ** resumes, signal)
    }
  }
}

/**
 * Downloads a file of at most `bytesMax` bytes; a longer one is broken off when it gets there.
 * @returns undefined when the server does not have it (404, 410).
 * @throws PeerError `unreachable` with one line, or the signal's reason.
 */
export function download(
  url: URL,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  return attempt(url, bytesMax, unkept(), signal)
}

/**
 * The same from just that address, and from none to which the server sends on.
 * @returns undefined when the server does not have it (404, 410).
 * @throws PeerError `unreachable` with one line, or the signal's reason.
 */
export function downloadHere(
  url: URL,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  return attempt(url, bytesMax, unkept(), signal, 'manual')
}

/** Where a redirection leads; a browser tells no script. */
function placeOf({ headers }: Response, url: URL): string {
  const place = headers.get('location')
  if (place === null || !URL.canParse(place, url)) return 'another address'
  return new URL('.', new URL(place, url)).href.slice(0, SERVER_URL_CHARS_MAX)
}

/** Adds to what has begun. @param moves whether a redirection is followed. @returns the whole file. */
async function attempt(
  url: URL,
  bytesMax: number,
  begun: Begun,
  signal: AbortSignal,
  moves: 'follow' | 'manual' = 'follow',
): Promise<Uint8Array | undefined> {
  const fail = (reason: string): PeerError =>
    new PeerError({ code: 'unreachable', url: url.href }, `${url.href}: ${reason}`)
  try {
    const headers = begun.length > 0 ? { range: `bytes=${begun.length}-` } : {}
    const response = await fetch(url, { signal, headers, redirect: moves })
    const { status, body, type } = response
    if (type === 'opaqueredirect' || (moves === 'manual' && status >= 300 && status < 400)) {
      await body?.cancel()
      throw fail(`the server sends on to ${placeOf(response, url)}; name that address`)
    }
    const isRest = status === 206 && startOf(response) === begun.length
    // A server that is only busy leaves what has come; any other answer belongs to another file.
    if (!isRest && status < 500) await begun.clear()
    if (status === 404 || status === 410) {
      await body?.cancel()
      return undefined
    }
    if (!response.ok || body === null || (status === 206 && !isRest)) {
      await body?.cancel()
      throw fail(`the server answered ${status}`)
    }
    await readInto(begun, body, bytesMax, fail)
    return begun.bytes()
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof PeerError) throw error
    throw fail(`the server cannot be reached (${fetchFault(error)})`)
  }
}

/** Where the bytes of a partial answer start in the file. */
function startOf({ headers }: Response): number {
  return Number(/^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1] ?? Number.NaN)
}

async function readInto(
  begun: Begun,
  body: ReadableStream<Uint8Array>,
  bytesMax: number,
  fail: (reason: string) => PeerError,
): Promise<void> {
  const { read, cancel } = readerOf(body)
  for (;;) {
    const { done, value } = await read()
    if (done) return
    if (begun.length + value.length > bytesMax) {
      await cancel()
      await begun.clear()
      throw fail(`the file is longer than ${bytesMax} bytes`)
    }
    await begun.add(value)
  }
}

/** What reads a body piece by piece; a piece may be overwritten by the next one. */
interface PieceReader {
  read(): Promise<{ done: true; value?: unknown } | { done: false; value: Uint8Array }>
  cancel(): Promise<void>
}

/** Reads into the same memory again and again, where the platform can: 28 MB in pieces are 28 MB to be collected. */
function readerOf(body: ReadableStream<Uint8Array>): PieceReader {
  let reader: ReadableStreamBYOBReader
  try {
    reader = body.getReader({ mode: 'byob' })
  } catch {
    const pieces = body.getReader()
    return { read: () => pieces.read(), cancel: () => pieces.cancel() }
  }
  let memory = new ArrayBuffer(DOWNLOAD_PIECE_BYTES)
  return {
    async read() {
      const { done, value } = await reader.read(new Uint8Array(memory))
      if (done || value === undefined) return { done: true }
      memory = value.buffer
      return { done, value }
    },
    cancel: () => reader.cancel(),
  }
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
