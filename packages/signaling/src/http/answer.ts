import { open } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fresh from 'fresh'
import send from 'send'
import { ANSWER_PIECE_BYTES } from '../limits.ts'
import type { Route } from './request-count.ts'

/** What a handler decided; `sendAnswer` writes it. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Text, bytes, a file by its absolute path, or the beginning of one. */
  readonly body: string | Uint8Array | { readonly path: string } | FirstOf
}

/** The first bytes of a file, with another head: it is read as it is sent. */
export interface FirstOf {
  /** Of the file that stands there. */
  readonly firstOf: string
  /** In place of as many bytes of the file. */
  readonly head: Uint8Array
  /** All that is sent, the head included: more than that. */
  readonly bytes: number
}

/** An answer and the handler that gave it. */
export interface Routed {
  readonly route: Route
  readonly answer: Answer
}

/** All headers are ours, and a path is only ever one that a route has checked. */
const SENT_AS_IT_IS = {
  dotfiles: 'allow',
  index: false,
  etag: false,
  lastModified: false,
  cacheControl: false,
} as const

/**
 * Writes an answer: only its head for HEAD, nothing for a client that has it already (ETag), of a file
 * the part that is asked for (RFC 9110, 14).
 * @returns the status that was sent.
 * @throws Error of the file system when a file cannot be read.
 */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
): Promise<number> {
  const { status, headers, body } = answer
  if (typeof body !== 'string' && 'path' in body) {
    return sendFile(request, response, { status, headers, path: body.path })
  }
  const { etag } = headers
  if (etag !== undefined && status === 200 && fresh(request.headers, { etag })) {
    response.writeHead(304, headers).end()
    return 304
  }
  if (typeof body !== 'string' && 'firstOf' in body)
    return sendFirst(request, response, { status, headers, body })
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  response.writeHead(status, { ...headers, 'content-length': bytes.length })
  if (request.method === 'HEAD') response.end()
  else if (bytes.length <= ANSWER_PIECE_BYTES) response.end(bytes)
  else await sendAsItIsTaken(piecesOf(bytes), response)
  return status
}

/** TLS would encrypt all of it at once, and hold that until it is read. */
function* piecesOf(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += ANSWER_PIECE_BYTES)
    yield bytes.subarray(at, at + ANSWER_PIECE_BYTES)
}

async function sendAsItIsTaken(
  body: Iterable<Uint8Array> | Readable,
  response: ServerResponse,
): Promise<void> {
  await pipeline(body, response).catch((error: NodeJS.ErrnoException) => {
    // Whoever goes away in the middle of an answer is no fault of ours.
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  })
}

function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, path }: Pick<Answer, 'status' | 'headers'> & { readonly path: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    response.statusCode = status
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    response.once('close', () => resolve(response.statusCode))
    send(request, encodeURI(path).replaceAll(/[?#]/g, encodeURIComponent), SENT_AS_IT_IS)
      .on('error', (error: Error & { status?: number }) => {
        // What the client asks cannot be had: another file, a range beyond the end of this one.
        if (error.status === 412 || error.status === 416) {
          response.writeHead(error.status).end()
          return
        }
        for (const name of response.headersSent ? [] : response.getHeaderNames()) {
          response.removeHeader(name)
        }
        reject(error)
      })
      .pipe(response)
  })
}

async function sendFirst(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Pick<Answer, 'status' | 'headers'> & { readonly body: FirstOf },
): Promise<number> {
  const { firstOf, head, bytes } = body
  const isRead = request.method !== 'HEAD'
  const file = isRead ? await open(firstOf) : undefined
  response.writeHead(status, { ...headers, 'content-length': bytes })
  if (file === undefined) response.end()
  else {
    response.write(head)
    const rest = { start: head.length, end: bytes - 1, highWaterMark: ANSWER_PIECE_BYTES }
    await sendAsItIsTaken(file.createReadStream(rest), response)
  }
  return status
}
