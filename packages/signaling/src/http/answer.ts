import type { IncomingMessage, ServerResponse } from 'node:http'
import fresh from 'fresh'
import send from 'send'
import type { Route } from './request-count.ts'

/** What a handler decided; `sendAnswer` writes it. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Text, bytes, or a file by its absolute path. */
  readonly body: string | Uint8Array | { readonly path: string }
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
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    return sendFile(request, response, { status, headers, path: body.path })
  }
  const { etag } = headers
  if (etag !== undefined && status === 200 && fresh(request.headers, { etag })) {
    response.writeHead(304, headers).end()
    return 304
  }
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  response.writeHead(status, { ...headers, 'content-length': bytes.length })
  response.end(request.method === 'HEAD' ? undefined : bytes)
  return status
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
