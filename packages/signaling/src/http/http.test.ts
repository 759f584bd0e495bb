import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRelease } from '../release-fixture.ts'
import { loadReleases, type Releases } from '../releases.ts'
import { createCompressionCache } from './compression.ts'
import { createHttpServer, type HttpServer, type HttpServerNeeds } from './server.ts'
import { plainNeeds } from './server-fixture.ts'
import type { Visitor } from './visitor.ts'

interface Reply {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

let root: string
let port: number
let server: HttpServer
let releases: Releases
let needs: HttpServerNeeds
let reason: string | undefined
const faults: string[] = []
const script = `console.log(${JSON.stringify('layer '.repeat(2_000))})`
const compression = createCompressionCache()

/** Sends the path as it is: fetch would tidy it up first. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: '127.0.0.1', path, method, headers, agent: false })
    request.once('error', reject)
    request.once('response', async (response) => {
      const body = Buffer.concat(await response.toArray())
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
    })
    request.end()
  })
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'layerswarm-http-'))
  await writeRelease(join(root, 'model'), 'tiny')
  releases = await loadReleases([join(root, 'model')])
  await mkdir(join(root, 'page', 'assets'), { recursive: true })
  await mkdir(join(root, 'samples'))
  await writeFile(join(root, 'secret.txt'), 'secret')
  await writeFile(join(root, 'page', '.env'), 'secret')
  await writeFile(join(root, 'page', 'index.html'), '<!doctype html><title>swarm</title>')
  await writeFile(join(root, 'page', 'assets', 'main-0aB_-9zZ.js'), script)
  await writeFile(join(root, 'page', 'assets', 'ort-0123abcd.wasm'), new Uint8Array(4_096))
  await writeFile(join(root, 'samples', 'images.idx3-ubyte'), new Uint8Array([1, 2, 3]))
  await symlink(join(root, 'secret.txt'), join(root, 'page', 'link.txt'))
  needs = {
    ...plainNeeds(),
    releases: () => releases,
    mayAsk: ({ address }: Visitor) => address !== '192.0.2.66',
    notReady: () => reason,
    pageDir: join(root, 'page'),
    samplesDir: join(root, 'samples'),
    compression,
  }
  server = createHttpServer(needs, (fault) => faults.push(fault))
  port = await server.listen('127.0.0.1', 0)
})

afterAll(async () => {
  await server.close()
  await rm(root, { recursive: true })
})

describe('the HTTP server', () => {
  test('serves a manifest by its id, unchangeable and readable from everywhere', async () => {
    const [release] = releases.list
    const { status, headers, body } = await get(`/releases/${release?.id}/manifest.json`)
    expect(status).toBe(200)
    expect(JSON.parse(body.toString())).toEqual(release?.manifest)
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      etag: `"${release?.id}"`,
    })
  })

  test('serves every part by its hash, and only the head for HEAD', async () => {
    for (const { sha256, bytes } of releases.list[0]?.manifest.parts ?? []) {
      const whole = await get(`/parts/${sha256}`)
      expect(whole.status).toBe(200)
      expect(whole.body.length).toBe(bytes)
      expect(whole.headers['content-type']).toBe('application/octet-stream')
      const head = await get(`/parts/${sha256}`, {}, 'HEAD')
      expect(head.status).toBe(200)
      expect(head.headers['content-length']).toBe(String(bytes))
      expect(head.body.length).toBe(0)
    }
  })

  test('sends the rest of a part to who has its beginning', async () => {
    const [part] = releases.list[0]?.manifest.parts ?? []
    const path = `/parts/${part?.sha256}`
    const { body, headers } = await get(path)
    expect(headers['accept-ranges']).toBe('bytes')
    const rest = await get(path, { range: 'bytes=100-' })
    expect(rest.status).toBe(206)
    expect(rest.headers['content-range']).toBe(`bytes 100-${body.length - 1}/${body.length}`)
    expect(rest.headers['content-length']).toBe(String(body.length - 100))
    expect(rest.body).toEqual(body.subarray(100))
    const size = body.length
    for (const [range, from, to] of [
      ['bytes=5-9', 5, 10],
      ['bytes=-5', size - 5, size],
      [`bytes=7-${size + 9}`, 7, size],
    ] as const) {
      const some = await get(path, { range })
      expect([range, some.status]).toEqual([range, 206])
      expect(some.headers['content-range']).toBe(`bytes ${from}-${to - 1}/${size}`)
      expect(some.body).toEqual(body.subarray(from, to))
    }
    // What is no range of bytes, or several at once, is answered with the whole (RFC 9110, 14.2).
    for (const range of ['lines=1-', 'bytes=x-', 'bytes=0-1,5-9']) {
      const whole = await get(path, { range })
      expect([range, whole.status, whole.body.length]).toEqual([range, 200, size])
    }
    const beyond = await get(path, { range: `bytes=${size}-` })
    expect([beyond.status, beyond.body.length]).toEqual([416, 0])
    expect(beyond.headers['content-range']).toBe(`bytes */${size}`)
    expect((await get(path, { 'if-match': '"another"' })).status).toBe(412)
    // Of another file than the one that the client has the beginning of: the whole (14.2, If-Range).
    const changed = await get(path, { range: 'bytes=5-9', 'if-range': '"another"' })
    expect([changed.status, changed.body.length]).toEqual([200, size])
  })

  test('sends nothing to who has it already', async () => {
    const [part] = [...releases.parts.keys()]
    const { status, body } = await get(`/parts/${part}`, { 'if-none-match': `"x", "${part}"` })
    expect(status).toBe(304)
    expect(body.length).toBe(0)
    const script = '/assets/main-0aB_-9zZ.js'
    const { headers } = await get(script, { 'accept-encoding': 'br' })
    const again = { 'accept-encoding': 'br', 'if-none-match': String(headers.etag) }
    expect((await get(script, again)).status).toBe(304)
    expect((await get(script, { ...again, 'cache-control': 'no-cache' })).status).toBe(200)
  })

  test('sends files whatever their folder is called', async () => {
    const [part] = releases.list[0]?.manifest.parts ?? []
    const odd = join(root, '.kept? 100%25 #1')
    await mkdir(odd)
    await writeFile(join(odd, 'a.bin'), 'weights')
    const before = releases
    releases = {
      ...before,
      parts: new Map([['e'.repeat(64), { path: join(odd, 'a.bin'), bytes: 7 }]]),
    }
    const { status, body } = await get(`/parts/${'e'.repeat(64)}`)
    releases = before
    expect([status, body.toString()]).toEqual([200, 'weights'])
    expect((await get(`/parts/${part?.sha256}`)).status).toBe(200)
  })

  test('goes on when a client leaves in the middle of a file', async () => {
    const file = join(root, 'large.bin')
    await writeFile(file, new Uint8Array(32 << 20))
    const before = releases
    releases = { ...before, parts: new Map([['d'.repeat(64), { path: file, bytes: 32 << 20 }]]) }
    const faultsBefore = faults.length
    await new Promise<void>((resolve, reject) => {
      const path = `/parts/${'d'.repeat(64)}`
      const request = httpRequest({ port, host: '127.0.0.1', path, agent: false }, (response) => {
        response.once('data', () => {
          response.destroy()
          resolve()
        })
        response.on('error', () => {})
      })
      request.once('error', reject)
      request.end()
    })
    const rest = await get(`/parts/${'d'.repeat(64)}`, { range: `bytes=${(32 << 20) - 3}-` })
    releases = before
    expect([rest.status, rest.body.length]).toEqual([206, 3])
    expect(faults.length).toBe(faultsBefore)
  })

  test('serves the page cross-origin isolated, with a policy, and asks to revalidate it', async () => {
    const { status, headers, body } = await get('/?from=mail')
    expect(status).toBe(200)
    expect(body.toString()).toContain('<title>swarm</title>')
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    })
    const policy = headers['content-security-policy']
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';")
    expect(policy).toContain("connect-src 'self' ws: wss: http: https:;")
    expect(policy).toContain("require-trusted-types-for 'script'; trusted-types default")
    expect(policy).not.toContain('unsafe-inline')
  })

  test('marks hashed assets unchangeable and sends wasm as wasm', async () => {
    const { headers } = await get('/assets/ort-0123abcd.wasm', { 'accept-encoding': 'identity' })
    expect(headers['content-type']).toBe('application/wasm')
    expect(headers['cache-control']).toContain('immutable')
    expect(headers['content-length']).toBe('4096')
  })

  test('compresses scripts for who can read it, once', async () => {
    const path = '/assets/main-0aB_-9zZ.js'
    const brotli = await get(path, { 'accept-encoding': 'gzip, deflate, br' })
    expect(brotli.headers['content-encoding']).toBe('br')
    expect(brotliDecompressSync(brotli.body).toString()).toBe(script)
    const { bytes } = compression
    expect((await get(path, { 'accept-encoding': 'br' })).body).toEqual(brotli.body)
    expect(compression.bytes).toBe(bytes)
    const zipped = await get(path, { 'accept-encoding': 'gzip, br;q=0' })
    expect(zipped.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(zipped.body).toString()).toBe(script)
    expect(zipped.headers.etag).not.toBe(brotli.headers.etag)
    const plain = await get(path)
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(plain.body.toString()).toBe(script)
  })

  test('serves the samples it has and nothing else of their folder', async () => {
    expect((await get('/samples/images.idx3-ubyte')).body).toEqual(Buffer.from([1, 2, 3]))
    expect((await get('/samples/labels.idx1-ubyte')).status).toBe(404)
    expect((await get('/samples/images.idx3-ubyte?first=2')).body).toEqual(Buffer.from([1, 2, 3]))
    expect((await get('/samples/../secret.txt')).status).toBe(404)
  })

  test('serves the first of its samples, their head alone, and nothing to who has them', async () => {
    const path = '/samples/labels.idx1-ubyte?first=2'
    const file = join(root, 'samples', 'labels.idx1-ubyte')
    await writeFile(file, new Uint8Array([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
    const two = await get(path)
    const headed = await get(path, {}, 'HEAD')
    const again = await get(path, { 'if-none-match': String(two.headers.etag) })
    await rm(file)
    expect([two.status, [...two.body]]).toEqual([200, [0, 0, 8, 1, 0, 0, 0, 2, 7, 8]])
    expect([headed.headers['content-length'], headed.body.length]).toEqual(['10', 0])
    expect([again.status, again.body.length]).toEqual([304, 0])
  })

  test.each([
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%252e%252e/secret.txt',
    '/..\\secret.txt',
    '/..%5csecret.txt',
    '//secret.txt',
    '/link.txt',
    '/.env',
    '/%2eenv',
    '/index.html%00.js',
    '/assets',
    '/assets/',
    '/%',
    '/index.html/x',
    '/parts/../../secret.txt',
    `/parts/${'0'.repeat(64)}`,
    '/parts/..%2f..%2fsecret.txt',
    '/releases/../model/manifest.json',
    'http://elsewhere/secret.txt',
  ])('does not serve %s', async (path) => {
    const { status, body } = await get(path)
    expect(status).toBe(404)
    expect(body.toString()).not.toContain('secret')
  })

  test('refuses other methods and endless URLs', async () => {
    const post = await get('/bootstrap.json', {}, 'POST')
    expect(post.status).toBe(405)
    expect(post.headers.allow).toBe('GET, HEAD')
    expect((await get('/bootstrap.json', {}, 'PUT')).status).toBe(403)
    expect((await get(`/${'a'.repeat(2_000)}`)).status).toBe(414)
  })

  test('is alive at once, and ready when it says so', async () => {
    reason = 'checking the releases'
    expect((await get('/healthz')).status).toBe(200)
    const waiting = await get('/readyz')
    expect(waiting.status).toBe(503)
    expect(JSON.parse(waiting.body.toString())).toEqual({ ready: false, reason })
    expect((await get('/bootstrap.json')).status).toBe(503)
    reason = undefined
    expect((await get('/readyz')).status).toBe(200)
    expect(JSON.parse((await get('/bootstrap.json')).body.toString())).toMatchObject({
      protocol: 1,
    })
  })

  test('answers 500 in one line, and logs why, when a part has vanished', async () => {
    const part = { path: join(root, 'gone'), bytes: 3 }
    const before = releases
    releases = { ...before, parts: new Map([['f'.repeat(64), part]]) }
    const { status, body } = await get(`/parts/${'f'.repeat(64)}`)
    releases = before
    expect(status).toBe(500)
    expect(body.toString()).not.toContain(root)
    expect(faults.at(-1)).toContain('ENOENT')
  })

  test('knows who asks from this machine, and that a proxy asks for somebody else', async () => {
    const asked = async (headers: Record<string, string>) =>
      JSON.parse((await get('/bootstrap.json', headers)).body.toString()).isHere
    expect(await asked({ host: `127.0.0.1:${port}` })).toBe(true)
    expect(await asked({ host: `[::1]:${port}` })).toBe(true)
    expect(await asked({ host: 'localhost' })).toBe(true)
    expect(await asked({ host: 'swarm.example' })).toBe(false)
    expect(await asked({ host: '127.0.0.1', 'x-forwarded-for': '192.0.2.1' })).toBe(false)
    expect(await asked({ host: '127.0.0.1', forwarded: 'for=192.0.2.1' })).toBe(false)
  })

  test('lets a page from elsewhere fetch the rest of a file, and says so when asked before', async () => {
    const { status, headers } = await get('/bootstrap.json', { range: 'bytes=5-' }, 'OPTIONS')
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': expect.stringContaining('range'),
    })
    const answer = await get('/bootstrap.json')
    expect(answer.headers['access-control-expose-headers']).toBe('content-range')
  })

  test('answers who would rather speak HTTP/2, as if he had not asked', async () => {
    const headers = {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAM',
    }
    const { status, body } = await get('/healthz', headers)
    expect([status, body.toString()]).toEqual([200, 'alive\n'])
    // More than a socket takes at once.
    const size = 4 << 20
    await writeFile(join(root, 'page', 'assets', 'large-0123abcd.wasm'), new Uint8Array(size))
    const large = await get('/assets/large-0123abcd.wasm', headers)
    expect([large.status, large.body.length]).toEqual([200, size])
  })

  test('turns a WebSocket away as long as nobody takes it', async () => {
    const upgrade = { connection: 'upgrade', upgrade: 'websocket' }
    const { status } = await get('/', { ...upgrade, 'sec-websocket-version': '13' })
    expect(status).toBe(503)
    expect(server.counts()).toContainEqual({ route: 'websocket', status: 503, requests: 1 })
  })

  test('turns away an address that asks too often, and nobody else', async () => {
    const from = (address: string) => get('/healthz', { 'x-forwarded-for': address })
    const { status, headers } = await from('192.0.2.66')
    expect({ status, again: headers['retry-after'] }).toEqual({ status: 429, again: '10' })
    expect((await from('192.0.2.67')).status).toBe(200)
  })

  test('counts its answers by route and status', async () => {
    const before = server.counts().find(({ route }) => route === 'metrics')?.requests ?? 0
    await get('/metrics')
    expect(server.counts()).toContainEqual({ route: 'metrics', status: 200, requests: before + 1 })
  })
})

test('the swarm is told to programs and to people, and neither is kept', async () => {
  const [program, people, style] = await Promise.all(
    ['swarm.json', 'swarm', 'swarm.css'].map((path) => fetch(`http://127.0.0.1:${port}/${path}`)),
  )
  expect(await program?.json()).toEqual({ version: '1.2.3', releases: [] })
  expect(await people?.text()).toContain('Swarm of this server')
  expect(people?.headers.get('content-security-policy')).toContain("script-src 'self'")
  expect(style?.headers.get('content-type')).toContain('text/css')
  expect(program?.headers.get('cache-control')).toBe('no-store')
})
