import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sha256 } from '@layerswarm/model'
import { afterEach, describe, expect, test } from 'vitest'
import { PeerError } from '../errors.ts'
import { download, httpFetcher, httpFetchers } from './http.ts'
import { type BlobFetcher, createLayerStore, type HeldFile } from './layer-store.ts'
import { createMemoryCache } from './memory-cache.ts'

const FILE = Uint8Array.from({ length: 3_000 }, (_, at) => at % 251)
const HASH = sha256(FILE)
const manifest = {
  name: 'random',
  parts: [{ part: 3, sha256: HASH, bytes: FILE.length, dtype: 'float32' as const }],
}

/** A source that gives this answer and counts how often it is asked. */
function source(
  name: BlobFetcher['name'],
  answer: () => Promise<Uint8Array | undefined>,
): BlobFetcher & { asked: number } {
  const fetcher = {
    name,
    asked: 0,
    fetch: () => {
      fetcher.asked += 1
      return answer()
    },
  }
  return fetcher
}

/** All of a held file, in two pieces. */
async function bytesOf(holding: Promise<HeldFile | undefined>): Promise<Uint8Array> {
  const held = await holding
  const half = Math.floor((held?.bytes ?? 0) / 2)
  const pieces = [
    await held?.read({ start: 0, end: half }),
    await held?.read({ start: half, end: (held?.bytes ?? 0) + 1 }),
  ]
  return Uint8Array.from(pieces.flatMap((piece) => [...(piece ?? [])]))
}

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** The URL of a server that answers every request like this. */
async function serve(answer: RequestListener): Promise<URL> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
}

describe('the layer store', () => {
  test('fetches a part once, and then has it for itself and for others', async () => {
    const http = source('http', async () => FILE)
    const store = createLayerStore({ manifest, cache: createMemoryCache(), fetchers: [http] })
    expect(await store.held(HASH)).toBeUndefined()
    expect(await store.part(3)).toEqual(FILE)
    expect(await store.part(3)).toEqual(FILE)
    expect(await bytesOf(store.held(HASH))).toEqual(FILE)
    expect(http.asked).toBe(1)
    expect(store.bytesFrom).toEqual({ peers: 0, http: FILE.length, cache: FILE.length })
  })

  test('gives out the small files of layers where it is to, and any file of the release to others', async () => {
    const small = FILE.subarray(0, 500)
    const file = { sha256: sha256(small), bytes: small.length }
    const figures = { dtype: 'int8', accuracy: 0.9, own: 0.9, apart: 0 } as const
    const several = { ...manifest, layerFiles: [{ ...figures, files: [file, file, file, file] }] }
    const cache = createMemoryCache()
    const fetchers = [source('http', async () => small)]
    const store = createLayerStore({ manifest: several, layerDtype: 'int8', cache, fetchers })
    expect(store.bytesOf(3)).toBe(500)
    expect(await store.part(3)).toEqual(small)
    expect(await bytesOf(store.held(file.sha256))).toEqual(small)
    expect(await store.held(HASH)).toBeUndefined()
    // Where a release has none of that kind its own are given out.
    const other = createLayerStore({ manifest: several, layerDtype: 'int4', cache, fetchers: [] })
    expect(other.bytesOf(3)).toBe(FILE.length)
    expect(await bytesOf(other.held(file.sha256))).toEqual(small)
  })

  test.each([
    { what: 'other bytes', answer: async () => FILE.map((byte) => byte ^ 1) },
    { what: 'a truncated file', answer: async () => FILE.subarray(0, -1) },
    { what: 'a longer file', answer: async () => Uint8Array.from([...FILE, 0]) },
    { what: 'nothing', answer: async () => undefined },
    {
      what: 'an error',
      answer: async () => {
        throw new Error('gone')
      },
    },
  ])('asks the next source when one gives $what', async ({ answer }) => {
    const http = source('http', async () => FILE)
    const cache = createMemoryCache()
    const fetchers = [source('peers', answer), http]
    const store = createLayerStore({ manifest, cache, fetchers })
    expect(await store.part(3)).toEqual(FILE)
    expect(store.bytesFrom).toEqual({ peers: 0, http: FILE.length, cache: 0 })
    expect(await cache.read(HASH)).toEqual(FILE)
  })

  test('says in one line what every source answered', async () => {
    const store = createLayerStore({
      manifest,
      cache: createMemoryCache(),
      fetchers: [
        source('peers', async () => undefined),
        source('http', async () => FILE.subarray(7)),
      ],
    })
    const failure = await store.part(3).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(PeerError)
    expect(failure).toMatchObject({
      fault: { code: 'part-unavailable', part: '3' },
      message:
        'layer 3 cannot be loaded: no source gave it ' +
        '(peers: does not have it; http: gave 2993 bytes instead of 3000)',
    })
    await expect(store.part('stem')).rejects.toThrow('release random has no such part')
  })

  test('asks the next source beside one that says nothing, and stops that', async () => {
    let stopped: AbortSignal | undefined
    const silent: BlobFetcher = {
      name: 'peers',
      fetch: (_sha256, _size, signal) => {
        stopped = signal
        return new Promise(() => {})
      },
    }
    const fetchers = [silent, source('http', async () => FILE)]
    const store = createLayerStore({ manifest, cache: createMemoryCache(), fetchers })
    expect(await store.part(3)).toEqual(FILE)
    expect(store.bytesFrom).toEqual({ peers: 0, http: FILE.length, cache: 0 })
    expect(stopped?.aborted).toBe(true)
  })

  test('heals a spoilt cache', async () => {
    const cache = createMemoryCache()
    const http = source('http', async () => FILE)
    const store = createLayerStore({ manifest, cache, fetchers: [http] })
    await cache.write(
      HASH,
      FILE.map((byte) => byte + 1),
    )
    expect(await store.held(HASH)).toBeUndefined()
    await cache.write(
      HASH,
      FILE.map((byte) => byte + 1),
    )
    expect(await store.part(3)).toEqual(FILE)
    expect(await cache.read(HASH)).toEqual(FILE)
  })

  test('works with a cache that always fails', async () => {
    const fails = () => Promise.reject(new Error('disk full'))
    const { state } = createMemoryCache()
    const cache = { state, read: fails, write: fails, remove: fails, close: fails }
    const fetchers = [source('http', async () => FILE)]
    const store = createLayerStore({ manifest, cache, fetchers })
    expect(await store.part(3)).toEqual(FILE)
  })

  test('gives out nothing that is not of its release', async () => {
    const cache = createMemoryCache()
    const other = Uint8Array.of(1, 2, 3)
    await cache.write(sha256(other), other)
    const store = createLayerStore({ manifest, cache, fetchers: [] })
    expect(await store.held(sha256(other))).toBeUndefined()
    expect(await store.held('../../etc/passwd')).toBeUndefined()
  })

  test('stops at the signal instead of asking the next source', async () => {
    const stop = new AbortController()
    const slow = source('peers', async () => {
      stop.abort(new Error('enough'))
      return undefined
    })
    const http = source('http', async () => FILE)
    const store = createLayerStore({ manifest, cache: createMemoryCache(), fetchers: [slow, http] })
    await expect(store.part(3, stop.signal)).rejects.toThrow('enough')
    expect(http.asked).toBe(0)
  })
})

describe('a download over HTTP', () => {
  const signal = new AbortController().signal

  test('asks for a part by its hash', async () => {
    const asked: (string | undefined)[] = []
    const join = await serve((request, response) => {
      asked.push(request.url)
      response.end(FILE)
    })
    const bytes = await httpFetcher(join, createMemoryCache()).fetch(HASH, FILE.length, signal)
    expect(bytes).toEqual(FILE)
    expect(asked).toEqual([`/parts/${HASH}`])
  })

  test('goes on where it broke off', async () => {
    const ranges: (string | undefined)[] = []
    const allowed = 1_000
    const join = await serve((request, response) => {
      ranges.push(request.headers.range)
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
      const rest = FILE.subarray(from)
      const range = { 'content-range': `bytes ${from}-${FILE.length - 1}/${FILE.length}` }
      response.writeHead(from > 0 ? 206 : 200, { ...range, 'content-length': rest.length })
      if (rest.length <= allowed) response.end(rest)
      else response.write(rest.subarray(0, allowed), () => response.destroy())
    })
    const cache = createMemoryCache()
    expect(await httpFetcher(join, cache).fetch(HASH, FILE.length, signal)).toEqual(FILE)
    expect(ranges[0]).toBeUndefined()
    expect(ranges.slice(1)).toEqual(
      ranges.slice(1).map(() => expect.stringMatching(/^bytes=\d+-$/)),
    )
    expect(ranges.length).toBeGreaterThanOrEqual(3)
  })

  test('goes on in another life of the page', async () => {
    const ranges: (string | undefined)[] = []
    let isUp = true
    const join = await serve((request, response) => {
      const { range } = request.headers
      if (!isUp) return response.writeHead(503).end()
      ranges.push(range)
      const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
      if (from > 0) {
        const answered = { 'content-range': `bytes ${from}-${FILE.length - 1}/${FILE.length}` }
        return response.writeHead(206, answered).end(FILE.subarray(from))
      }
      isUp = false
      response.writeHead(200, { 'content-length': FILE.length })
      return response.write(FILE.subarray(0, 1_200), () => response.destroy())
    })
    const cache = createMemoryCache()
    const broken = httpFetcher(join, cache).fetch(HASH, FILE.length, signal)
    await expect(broken).rejects.toThrow('the server answered 503')
    isUp = true
    expect(await httpFetcher(join, cache).fetch(HASH, FILE.length, signal)).toEqual(FILE)
    expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)])
  })

  test('starts over when what it kept turns out to be spoilt', async () => {
    const join = await serve((request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
      const range = { 'content-range': `bytes ${from}-${FILE.length - 1}/${FILE.length}` }
      response.writeHead(from > 0 ? 206 : 200, range).end(FILE.subarray(from))
    })
    const cache = createMemoryCache()
    await cache.write(`${HASH}.begun`, new Uint8Array(500))
    expect(await httpFetcher(join, cache).fetch(HASH, FILE.length, signal)).toEqual(FILE)
    expect(await cache.read(`${HASH}.begun`)).toBeUndefined()
  })

  test('takes the whole file from a server that knows no ranges', async () => {
    const join = await serve((_request, response) => response.end(FILE))
    const cache = createMemoryCache()
    await cache.write(`${HASH}.begun`, FILE.subarray(0, 500))
    expect(await httpFetcher(join, cache).fetch(HASH, FILE.length, signal)).toEqual(FILE)
  })

  test('has nothing where the server has nothing', async () => {
    const join = await serve((_request, response) => response.writeHead(404).end('no'))
    expect(
      await httpFetcher(join, createMemoryCache()).fetch(HASH, FILE.length, signal),
    ).toBeUndefined()
  })

  test('breaks off an endless file', async () => {
    let brokenOff: () => void
    const end = new Promise<void>((resolve) => {
      brokenOff = resolve
    })
    const join = await serve((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(FILE)) {}
      }
      response.on('drain', more).on('close', () => brokenOff())
      more()
    })
    await expect(download(join, 1_000_000, signal)).rejects.toThrow(
      /^http:.*: the file is longer than 1000000 bytes$/,
    )
    await end
  })

  test('tells an answer of the server from no answer at all', async () => {
    const join = await serve((_request, response) => response.writeHead(503).end())
    await expect(download(join, 9, signal)).rejects.toThrow(/: the server answered 503$/)
    servers.pop()?.close()
    const failure = await download(join, 9, signal).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      fault: { code: 'unreachable', url: join.href },
      message: expect.stringMatching(
        /^http:.*: the server cannot be reached \(.*ECONNREFUSED.*\)$/,
      ),
    })
  })

  test('rejects with the reason of its signal', async () => {
    const stop = new AbortController()
    const join = await serve((_request, response) => {
      response.write('some')
      stop.abort(new Error('enough'))
    })
    await expect(download(join, 9, stop.signal)).rejects.toThrow('enough')
  })
})

describe('a file of which several servers are asked', () => {
  const signal = new AbortController().signal
  const right = () => serve((_request, response) => response.end(FILE))

  test.each<[string, RequestListener]>([
    ['says nothing', () => undefined],
    ['stops in the middle', (_request, response) => response.write(FILE.subarray(0, 1_000))],
    ['has another file', (_request, response) => response.end(FILE.map((byte) => byte + 1))],
    ['does not have it', (_request, response) => response.writeHead(404).end()],
  ])('comes from the second where the first %s', async (_what, listener) => {
    const urls = [await serve(listener), await right()]
    const cache = createMemoryCache()
    const bytes = await httpFetchers(() => urls, cache).fetch(HASH, FILE.length, signal)
    expect(bytes).toEqual(FILE)
  })

  test('is nowhere where all of them lack it, and where one fails that is told', async () => {
    const lacks = await serve((_request, response) => response.writeHead(404).end())
    const fails = await serve((_request, response) => response.writeHead(503).end())
    const ask = (...urls: URL[]) =>
      httpFetchers(() => urls, createMemoryCache()).fetch(HASH, FILE.length, signal)
    expect(await ask(lacks, lacks)).toBeUndefined()
    await expect(ask(lacks, fails)).rejects.toThrow(/: the server answered 503$/)
  })
})
