import { PeerError } from '../errors.ts'
import type { BlobFetcher } from './layer-store.ts'

/** Parts from a signaling server: GET {join}/parts/{sha256}. */
export function httpFetcher(join: URL): BlobFetcher {
  return {
    name: 'http',
    async fetch(sha256, size, signal) {
      const url = new URL(`/parts/${sha256}`, join)
      return download(url, size, signal)
    },
  }
}

/**
 * Downloads a file of at most `bytesMax` bytes; a longer one is broken off when it gets there.
 * @returns undefined when the server does not have it (404, 410).
 * @throws PeerError `unreachable` with one line, or the signal's reason.
 */
export async function download(
  url: URL,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const fail = (reason: string): PeerError =>
    new PeerError({ code: 'unreachable', url: url.href }, `${url.href}: ${reason}`)
  try {
    const response = await fetch(url, { signal })
    if (response.status === 404 || response.status === 410) {
      await response.body?.cancel()
      return undefined
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel()
      throw fail(`the server answered ${response.status}`)
    }
    return await readAll(response.body, bytesMax, fail)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof PeerError) throw error
    throw fail(`the server cannot be reached (${causeOf(error)})`)
  }
}

async function readAll(
  body: ReadableStream<Uint8Array>,
  bytesMax: number,
  fail: (reason: string) => PeerError,
): Promise<Uint8Array> {
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > bytesMax) {
      await reader.cancel()
      throw fail(`the file is longer than ${bytesMax} bytes`)
    }
    chunks.push(value)
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** Node's fetch hides the reason ("ECONNREFUSED") in the cause of "fetch failed". */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (!(cause instanceof Error)) return error.message
  return cause.message || ('code' in cause ? String(cause.code) : error.message)
}
