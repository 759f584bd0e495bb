import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { createBacklog } from '@layerswarm/swarm'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeCertificate } from '../certificate.ts'
import { createHttpServer, type HttpServer, type HttpServerNeeds } from './server.ts'
import { plainNeeds } from './server-fixture.ts'

const HASH = 'a'.repeat(64)
const PART_BYTES = 300_000

let root: string
let port: number
let server: HttpServer
let needs: HttpServerNeeds

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'layerswarm-connections-'))
  const path = join(root, 'part')
  await writeFile(path, 'x'.repeat(PART_BYTES))
  const parts = new Map([[HASH, { path, bytes: PART_BYTES }]])
  needs = { ...plainNeeds(), releases: () => ({ list: [], refused: [], parts }) }
  server = createHttpServer(needs, () => {})
  port = await server.listen('127.0.0.1', 0)
})

afterAll(async () => {
  await server.close()
  await rm(root, { recursive: true })
})

/** The status of an answer to a new connection. */
async function status(path: string): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).status
}

/** All that comes until the connection closes. */
function heard(text: string): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.once('close', () => resolve(Buffer.concat(chunks).toString())).write(text)
  })
}

describe('the connections of the HTTP server', () => {
  test('cuts the sockets of an address that holds too many, until it closes one', async () => {
    let held = 0
    const seats = { take: () => held < 2 && ++held > 0, giveBack: () => void held-- }
    const guarded = createHttpServer({ ...needs, trustsProxy: false, seats }, () => {})
    const at = await guarded.listen('127.0.0.1', 0)
    const open = async () => {
      const socket = connect(at, '127.0.0.1')
      const closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve))
      await new Promise((resolve) => socket.once('connect', resolve))
      return { socket, closed }
    }
    const [first] = [await open(), await open()]
    await (await open()).closed
    first.socket.destroy()
    await first.closed
    await vi.waitFor(() => expect(held).toBe(1))
    expect((await fetch(`http://127.0.0.1:${at}/healthz`)).status).toBe(200)
    await guarded.close()
    await vi.waitFor(() => expect(held).toBe(0))
  })

  test.each(['http', 'https'])(
    'gives the oldest of the silent sockets of %s up for one more, and none that has asked',
    async (scheme) => {
      const tls = scheme === 'https' ? await makeCertificate(['localhost']) : undefined
      const backlog = createBacklog(2)
      const guarded = createHttpServer({ ...needs, tls, backlog }, () => {})
      const at = await guarded.listen('127.0.0.1', 0)
      const open = async () => {
        const socket = connect(at, '127.0.0.1')
        const closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve))
        await new Promise((resolve) => socket.once('connect', resolve))
        return { socket, closed }
      }
      const raw = await open()
      const asking =
        tls === undefined
          ? raw.socket
          : connectTls({ socket: raw.socket, ca: tls.cert, servername: 'localhost' })
      asking.write('GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n')
      await new Promise((resolve) => asking.once('data', resolve))
      expect(backlog.size).toBe(0)
      const [first, second, third] = [await open(), await open(), await open()]
      await first.closed
      const closed = [raw, second, third].map(({ socket }) => socket.closed)
      expect(closed).toEqual([false, false, false])
      expect(backlog.size).toBe(2)
      await guarded.close()
    },
  )

  test('closes at once although a client holds its connection open', async () => {
    const other = createHttpServer(needs, () => {})
    const socket = connect(await other.listen('127.0.0.1', 0), '127.0.0.1')
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('connect', resolve))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await other.close()
    await closed
  })

  test('answers a few requests that came at once, in their order, and keeps the connection', async () => {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes.toString()
    })
    const ask = (...paths: string[]) =>
      socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: here\r\n\r\n`).join(''))
    ask('/healthz', '/bootstrap.json', `/parts/${HASH}`, '/nothing', '/readyz')
    await vi.waitFor(() => expect(text).toContain('{"ready":true}'))
    ask('/healthz')
    await vi.waitFor(() => expect(text.endsWith('alive\n')).toBe(true))
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
    expect(statuses).toEqual(['200', '200', '200', '404', '200', '200'])
    socket.destroy()
  })

  test.each([
    ['', 'host: here\r\n'],
    [' that name no host', ''],
    [' that expect what nobody offers', 'host: here\r\nexpect: more\r\n'],
  ])('cuts who sends many requests%s at once', async (_what, head) => {
    expect(await heard(`GET /healthz HTTP/1.1\r\n${head}\r\n`.repeat(100))).toBe('')
    expect(await status('/healthz')).toBe(200)
  })

  test('refuses a request that names no host, and answers one that expects what nobody offers', async () => {
    expect(await heard('GET /healthz HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    const expecting =
      'GET /healthz HTTP/1.1\r\nhost: here\r\nexpect: more\r\nconnection: close\r\n\r\n'
    expect(await heard(expecting)).toMatch(/^HTTP\/1\.1 200 /)
  })

  test.each(['h2c', 'websocket'])(
    'cuts who asks for %s before the answer to something else has come, and goes on',
    async (upgrade) => {
      const first = 'GET /healthz HTTP/1.1\r\nhost: here\r\n'
      await heard(`${first}\r\n${first}connection: upgrade\r\nupgrade: ${upgrade}\r\n\r\n`)
      expect(await status('/healthz')).toBe(200)
    },
  )
})
