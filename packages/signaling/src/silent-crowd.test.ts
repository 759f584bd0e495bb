import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { CONNECTIONS_PENDING_MAX, HTTP_SILENT_MAX } from './limits.ts'
import { joinAsNewcomer } from './newcomer-fixture.ts'
import { writeRelease } from './release-fixture.ts'
import { createSignaling, type Ready } from './signaling.ts'

/** In which a newcomer is let in, whoever else is at the door. */
const JOIN_MS_MAX = 5_000
const AT_ONCE = 300
const OPEN_WEBSOCKET = [
  'GET /ws HTTP/1.1',
  'host: swarm.example',
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
  '\r\n',
].join('\r\n')

let root: string
let model: string
const closers: (() => unknown)[] = []

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'layerswarm-silent-'))
  model = join(root, 'tiny')
  await writeRelease(model, 'tiny')
})

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

afterAll(() => rm(root, { recursive: true }))

async function start(): Promise<Ready> {
  const signaling = createSignaling({ port: 0, modelDirs: [model] })
  closers.push(() => signaling.stop())
  return signaling.start()
}

/** So many sockets that say this much and no more. */
async function open(port: number, count: number, text: string): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    // What the system itself has no room for is no socket of the server's.
    const batch = Math.min(AT_ONCE, count - sockets.length)
    await Promise.all(Array.from({ length: batch }, () => openOne(port, text, sockets)))
  }
  return sockets
}

async function openOne(port: number, text: string, sockets: Socket[]): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  sockets.push(socket)
  closers.push(() => socket.destroy())
  socket.on('error', () => {}).resume()
  if (text !== '') socket.write(text)
  await new Promise((opened) => socket.once('connect', opened))
}

/** @returns how long it takes a newcomer to be let in and have a place. */
async function joinAs(url: string): Promise<number> {
  const fromMs = performance.now()
  const node = await joinAsNewcomer(url, JOIN_MS_MAX)
  closers.push(() => node.stop())
  return performance.now() - fromMs
}

const isOpen = (socket: Socket) => !socket.closed && !socket.readableEnded

describe('a newcomer joins within five seconds', { timeout: 60_000 }, () => {
  test('beside 2,100 sockets that say nothing', async () => {
    const { url, port } = await start()
    const sockets = await open(port, 2_100, '')
    expect(await joinAs(url)).toBeLessThan(JOIN_MS_MAX)
    await vi.waitFor(() => {
      expect(sockets.filter(isOpen).length).toBeLessThanOrEqual(HTTP_SILENT_MAX)
    })
  })

  test('beside 2,100 that have begun a request', async () => {
    const { url, port } = await start()
    await open(port, 2_100, 'GET / HTTP/1.1\r\nhost: swarm.example\r\n')
    expect(await joinAs(url)).toBeLessThan(JOIN_MS_MAX)
  })

  test('beside 1,000 WebSockets that shake no hands', async () => {
    const { url, port } = await start()
    const sockets = await open(port, 1_000, OPEN_WEBSOCKET)
    expect(await joinAs(url)).toBeLessThan(JOIN_MS_MAX)
    await vi.waitFor(() => {
      expect(sockets.filter(isOpen).length).toBeLessThanOrEqual(CONNECTIONS_PENDING_MAX)
    })
  })

  test('beside 1,000 streams of libp2p that say nothing', async () => {
    const { url, port } = await start()
    const { peerId } = (await (await fetch(`${url}/bootstrap.json`)).json()) as { peerId: string }
    const hostile = await joinAsNewcomer(url, JOIN_MS_MAX)
    closers.push(() => hostile.stop())
    const place = multiaddr(`/ip4/127.0.0.1/tcp/${port}/ws/p2p/${peerId}`)
    let opened = 0
    for (let connections = 0; connections < 5; connections++) {
      const connection = await hostile.dial(place, { force: true })
      // Its type does not name what opens a stream without saying what for.
      const { muxer } = connection as typeof connection & {
        muxer: { createStream(): Promise<unknown> }
      }
      for (let streams = 0; streams < 200; streams++) {
        await muxer.createStream()
        opened += 1
      }
    }
    expect(opened).toBe(1_000)
    expect(await joinAs(url)).toBeLessThan(JOIN_MS_MAX)
  })
})
