import type { IncomingMessage } from 'node:http'
import { MANIFEST_BYTES_MAX } from '@layerswarm/model'
import { UploadError, type Uploads } from '../uploads.ts'
import type { Answer, Routed } from './answer.ts'
import { JSON_TYPE, TEXT_TYPE } from './content-type.ts'
import { NEVER_STORED, PLAIN_HEADERS } from './headers.ts'
import type { GuessLimit, Visitor } from './visitor.ts'

/** What an upload needs of the server. */
export interface UploadNeeds {
  /** Undefined when this server takes no uploads. */
  readonly uploads: Uploads | undefined
  /** Who has guessed at the token too often. */
  readonly guesses: GuessLimit
  /** Checks a complete release and offers it from now on. */
  offer(dir: string): Promise<void>
}

/**
 * PUT /releases/<id>/manifest.json answers `{missing: […]}`, the hashes of the parts that it lacks,
 * or `{missing: [], release}` when the release is complete and offered.
 * PUT /parts/<sha256> takes a part that a manifest has named.
 */
export async function uploadRoute(
  request: IncomingMessage,
  visitor: Visitor,
  needs: UploadNeeds,
  pathname: string,
): Promise<Routed> {
  const { uploads, offer, guesses } = needs
  if (uploads === undefined)
    return refused(403, 'this server takes no uploads (start it with --upload-token-file)')
  if (guesses.isOver(visitor))
    return refused(429, 'too many wrong tokens from this address, try again in a while')
  if (!uploads.isAllowed(request.headers.authorization)) {
    guesses.wrong(visitor)
    return refused(401, 'this needs the upload token of the server')
  }
  return { route: 'upload', answer: await answerUpload(request, uploads, offer, pathname) }
}

function refused(status: number, why: string): Routed {
  return { route: 'upload', answer: refusal(status, why) }
}

async function answerUpload(
  request: IncomingMessage,
  uploads: Uploads,
  offer: UploadNeeds['offer'],
  pathname: string,
): Promise<Answer> {
  const [, top, name = '', file, ...rest] = pathname.split('/')
  try {
    if (top === 'releases' && file === 'manifest.json' && rest.length === 0) {
      const put = await uploads.putManifest(name, await readBody(request))
      if ('dir' in put) await offer(put.dir)
      return document(put.missing.length === 0 ? { missing: [], release: name } : put)
    }
    if (top === 'parts' && file === undefined) {
      await uploads.putPart(name, request)
      return document({ part: name })
    }
    return refusal(404, 'nothing can be uploaded to this address')
  } catch (error) {
    if (error instanceof UploadError) return refusal(error.status, error.message)
    throw error
  }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MANIFEST_BYTES_MAX) throw new UploadError(400, 'a manifest is not that long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function document(value: unknown): Answer {
  const headers = { ...PLAIN_HEADERS, 'content-type': JSON_TYPE, 'cache-control': NEVER_STORED }
  return { status: 200, headers, body: `${JSON.stringify(value)}\n` }
}

/** The rest of the body is not read: the connection ends with the answer. */
function refusal(status: number, why: string): Answer {
  return {
    status,
    headers: {
      ...PLAIN_HEADERS,
      'content-type': TEXT_TYPE,
      'cache-control': NEVER_STORED,
      connection: 'close',
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    },
    body: `${why}\n`,
  }
}
