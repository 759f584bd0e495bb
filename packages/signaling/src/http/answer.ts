import { type FileHandle, open } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'

/** What a handler decided; `sendAnswer` writes it. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Text, bytes, or a file of known size. */
  readonly body: string | Uint8Array | { readonly path: string; readonly bytes: number }
}

/** An answer and the handler that gave it. */
export interface Routed {
  readonly route: Route
  readonly answer: Answer
}

/** Which handler answered, for the metrics. */
export type Route =
  | 'bootstrap'
  | 'healthz'
  | 'readyz'
  | 'metrics'
  | 'manifest'
  | 'part'
  | 'sample'
  | 'upload'
  | 'page'
  | 'websocket'
  | 'preflight'
  | 'refused'

/**
 * Writes an answer: only its head for HEAD, nothing for a client that has it already (ETag).
 * Returns the status that was sent.
 */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Answer,
): Promise<number> {
  const { etag } = headers
  if (etag !== undefined && status === 200 && matches(request.headers['if-none-match'], etag)) {
    response.writeHead(304, headers).end()
    return 304
  }
  if (typeof body === 'string' || body instanceof Uint8Array) {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    response.writeHead(status, { ...headers, 'content-length': bytes.length })
    response.end(request.method === 'HEAD' ? undefined : bytes)
    return status
  }
  const start = status === 200 ? restFrom(request.headers.range, body.bytes) : 0
  const bytes = body.bytes - start
  const ranged =
    start > 0 ? { 'content-range': `bytes ${start}-${body.bytes - 1}/${body.bytes}` } : {}
  const sent = start > 0 ? 206 : status
  // Opening before the head is written turns a vanished file into an error that can still be told.
  const file = await open(body.path)
  try {
    response.writeHead(sent, {
      ...{ 'accept-ranges': 'bytes', ...headers, ...ranged },
      'content-length': bytes,
    })
    if (request.method === 'HEAD') response.end()
    else await stream(file, start, bytes, response)
  } finally {
    await file.close()
  }
  return sent
}

/**
 * Where the rest of a file starts that a broken download asks for, "bytes=1000-"; 0 for the whole
 * file. Other ranges are not needed, and a server may answer them with the whole (RFC 9110, 14.2).
 */
function restFrom(header: string | undefined, bytes: number): number {
  const start = Number(/^bytes=(\d{1,15})-$/.exec(header ?? '')?.[1] ?? 0)
  return start < bytes ? start : 0
}

async function stream(
  file: FileHandle,
  start: number,
  bytes: number,
  response: ServerResponse,
): Promise<void> {
  if (bytes === 0) {
    response.end()
    return
  }
  try {
    await pipeline(
      file.createReadStream({ start, end: start + bytes - 1, autoClose: false }),
      response,
    )
  } catch {
    // The client went away, or the file is cut: the missing bytes tell the client.
    response.destroy()
  }
}

function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes('*') || tags.includes(etag)
}
