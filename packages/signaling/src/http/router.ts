import type { IncomingMessage } from 'node:http'
import { Registry } from 'prom-client'
import { URL_CHARS_MAX } from '../limits.ts'
import type { Releases } from '../releases.ts'
import type { Token } from '../token.ts'
import type { Answer, Routed } from './answer.ts'
import { type CompressionCache, chooseEncoding } from './compression.ts'
import { contentTypeOf, JSON_TYPE, OCTETS, TEXT_TYPE } from './content-type.ts'
import { firstItems } from './first-items.ts'
import {
  IMMUTABLE,
  NEVER_STORED,
  PAGE_HEADERS,
  PLAIN_HEADERS,
  PREFLIGHT_HEADERS,
  REVALIDATE,
  SHARED_HEADERS,
} from './headers.ts'
import { findFile } from './static-files.ts'
import { type UploadNeeds, uploadRoute } from './upload-route.ts'
import type { Visitor } from './visitor.ts'

/** What the routes serve. */
export interface RouterNeeds extends UploadNeeds {
  /** Undefined until they are checked. */
  releases(): Releases | undefined
  /** Why the server is not ready, or undefined when it is. */
  notReady(): string | undefined
  /** The content of /bootstrap.json, for somebody at this machine or elsewhere. */
  bootstrap(isHere: boolean): unknown
  /** The swarm as this server sees it. */
  swarm(): unknown
  /** The same for people: HTML, and its style sheet. */
  readonly dashboard: { page(): string; readonly style: string }
  /** Prometheus text. */
  metrics(): Promise<string>
  /** Who may read them: anybody, programs of this machine, or whoever has the token. */
  readonly metricsFor: 'everybody' | 'here' | Token
  readonly pageDir: string | undefined
  readonly samplesDir: string | undefined
  readonly compression: CompressionCache
}

const SAMPLES = new Set(['images.idx3-ubyte', 'labels.idx1-ubyte'])

/** Answers one request. Never throws for what a client can do. */
export async function route(
  request: IncomingMessage,
  visitor: Visitor,
  needs: RouterNeeds,
): Promise<Routed> {
  const { method, url = '', httpVersion, headers } = request
  if (httpVersion === '1.1' && headers.host === undefined)
    return refused(400, 'a request names the host that it is for', { connection: 'close' })
  if (method === 'OPTIONS') {
    return { route: 'preflight', answer: { status: 200, headers: PREFLIGHT_HEADERS, body: '' } }
  }
  if (method !== 'GET' && method !== 'HEAD' && method !== 'PUT') {
    const allowed = { allow: 'GET, HEAD', connection: 'close' }
    return refused(405, 'only GET and HEAD are served here', allowed)
  }
  if (url.length > URL_CHARS_MAX)
    return refused(414, `a URL has at most ${URL_CHARS_MAX} characters`)
  const [pathname = ''] = url.split('?', 1)
  if (method === 'PUT') return uploadRoute(request, visitor, needs, pathname)
  const [, top = '', name = '', last] = pathname.split('/')
  switch (top) {
    case 'healthz':
      return { route: 'healthz', answer: text(200, 'alive\n') }
    case 'readyz':
      return { route: 'readyz', answer: readiness(needs) }
    case 'metrics':
      return { route: 'metrics', answer: await metrics(request, visitor, needs) }
    case 'bootstrap.json':
      return { route: 'bootstrap', answer: bootstrap(visitor, needs) }
    case 'swarm.json':
      return { route: 'swarm', answer: json(200, needs.swarm()) }
    case 'swarm':
    case 'swarm.css':
      return { route: 'swarm', answer: dashboard(needs, top) }
    case 'releases':
      return { route: 'manifest', answer: manifest(needs.releases(), name, last) }
    case 'parts':
      return { route: 'part', answer: part(needs.releases(), name, last) }
    case 'samples':
      return { route: 'sample', answer: await sample(needs.samplesDir, pathname, url) }
    default:
      return { route: 'page', answer: await page(request, needs, pathname) }
  }
}

function refused(status: number, why: string, headers: Record<string, string> = {}): Routed {
  const answer = text(status, `${why}\n`)
  return { route: 'refused', answer: { ...answer, headers: { ...answer.headers, ...headers } } }
}

function text(status: number, body: string, type: string = TEXT_TYPE): Answer {
  const headers = { ...PLAIN_HEADERS, 'content-type': type, 'cache-control': NEVER_STORED }
  return { status, headers, body }
}

function notFound(what: string): Answer {
  // Readable from other origins: a peer elsewhere must be able to tell "not here" from "no network".
  return {
    status: 404,
    headers: { ...SHARED_HEADERS, 'content-type': TEXT_TYPE, 'cache-control': NEVER_STORED },
    body: `${what} is not here\n`,
  }
}

function json(status: number, value: unknown): Answer {
  const headers = { ...SHARED_HEADERS, 'content-type': JSON_TYPE, 'cache-control': NEVER_STORED }
  return { status, headers, body: `${JSON.stringify(value)}\n` }
}

function readiness(needs: RouterNeeds): Answer {
  const reason = needs.notReady()
  return reason === undefined ? json(200, { ready: true }) : json(503, { ready: false, reason })
}

async function metrics(
  { headers }: IncomingMessage,
  { isHere }: Visitor,
  { metrics: render, metricsFor }: RouterNeeds,
): Promise<Answer> {
  if (metricsFor === 'here' && !isHere)
    return text(403, 'the metrics are for the machine of this server\n')
  if (typeof metricsFor !== 'string' && !metricsFor.isAllowed(headers.authorization)) {
    const answer = text(401, 'the metrics need their token\n')
    return { ...answer, headers: { ...answer.headers, 'www-authenticate': 'Bearer' } }
  }
  return text(200, await render(), Registry.PROMETHEUS_CONTENT_TYPE)
}

function bootstrap(visitor: Visitor, needs: RouterNeeds): Answer {
  const reason = needs.notReady()
  if (reason !== undefined) return json(503, { ready: false, reason })
  return json(200, needs.bootstrap(visitor.isHere))
}

function dashboard(needs: RouterNeeds, file: 'swarm' | 'swarm.css'): Answer {
  const { page, style } = needs.dashboard
  const [type, body] = file === 'swarm' ? ['text/html', page()] : ['text/css', style]
  const headers = { 'content-type': `${type}; charset=utf-8`, 'cache-control': NEVER_STORED }
  return { status: 200, headers: { ...PAGE_HEADERS, ...headers }, body }
}

function immutable(type: string, hash: string): Record<string, string> {
  return {
    ...SHARED_HEADERS,
    'content-type': type,
    'cache-control': IMMUTABLE,
    etag: `"${hash}"`,
  }
}

function manifest(releases: Releases | undefined, id: string, file: string | undefined): Answer {
  const release = releases?.list.find((known) => known.id === id)
  if (release === undefined || file !== 'manifest.json') return notFound('this release')
  return { status: 200, headers: immutable(JSON_TYPE, release.id), body: release.bytes }
}

function part(releases: Releases | undefined, hash: string, rest: string | undefined): Answer {
  const file = releases?.parts.get(hash)
  if (file === undefined || rest !== undefined) return notFound('this part')
  return { status: 200, headers: immutable(OCTETS, hash), body: file }
}

/** `?first=24` asks for so many of them: a page shows a few, and fetches all when somebody wants others. */
async function sample(
  samplesDir: string | undefined,
  pathname: string,
  url: string,
): Promise<Answer> {
  const name = pathname.slice('/samples/'.length)
  if (samplesDir === undefined || !SAMPLES.has(name)) return notFound('this sample file')
  const file = await findFile(samplesDir, `/${name}`)
  if (file === undefined) return notFound('this sample file')
  const headers = {
    ...SHARED_HEADERS,
    'content-type': OCTETS,
    'cache-control': REVALIDATE,
    etag: `"${file.version}"`,
  }
  const first = /\?first=(\d{1,5})$/.exec(url)?.[1]
  const some = first === undefined ? undefined : await firstItems(file.path, Number(first))
  if (some === undefined) return { status: 200, headers, body: file }
  return { status: 200, headers: { ...headers, etag: `"${file.version}-${first}"` }, body: some }
}

async function page(
  request: IncomingMessage,
  { pageDir, compression }: RouterNeeds,
  pathname: string,
): Promise<Answer> {
  if (pageDir === undefined) {
    return notFound(
      pathname === '/' ? 'a page (this server has none; see /bootstrap.json)' : 'this',
    )
  }
  const file = await findFile(pageDir, pathname)
  if (file === undefined) return notFound('this')
  const type = contentTypeOf(file.path)
  const encoding = chooseEncoding(request.headers, type, file.bytes)
  const headers: Record<string, string> = {
    ...PAGE_HEADERS,
    'content-type': type,
    'cache-control': file.hashed ? IMMUTABLE : REVALIDATE,
    etag: `"${file.version}${encoding === undefined ? '' : `-${encoding}`}"`,
    vary: 'accept-encoding',
  }
  if (encoding === undefined) return { status: 200, headers, body: file }
  headers['content-encoding'] = encoding
  return {
    status: 200,
    headers,
    body: await compression.read(file.path, file.version, encoding),
  }
}
