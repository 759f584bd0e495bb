import '../polyfill.ts'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import type { ComponentLogger, MultiaddrConnection } from '@libp2p/interface'
import { afterEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { WEBSOCKET_BUFFERED_BYTES_MAX, WEBSOCKET_MESSAGE_BYTES_MAX } from '../limits.ts'
import { WebSocketEntry } from './websocket-entry.ts'

const silent = Object.assign(() => {}, { error() {}, trace() {} })
const logger = { forComponent: () => silent } as unknown as ComponentLogger

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** An entry behind an HTTP server, and what it brought in. */
async function open(upgradeInbound: (connection: MultiaddrConnection) => Promise<void>) {
  const upgradeOutbound = () => Promise.reject(new Error('this server dials nobody'))
  const entry = new WebSocketEntry({ logger, upgrader: { upgradeInbound, upgradeOutbound } })
  const server = createServer().on('upgrade', (...upgrade) => entry.take(...upgrade, '127.0.0.1'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => new Promise((resolve) => server.close(resolve)))
  closers.push(() => entry.close())
  return { entry, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/anything/ws` }
}

async function dial(url: string): Promise<{ socket: WebSocket; closed: Promise<unknown> }> {
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  socket.addEventListener('error', () => {})
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve))
  await new Promise((resolve) => {
    for (const event of ['open', 'close']) socket.addEventListener(event, resolve)
  })
  return { socket, closed }
}

test('a WebSocket at any path becomes a connection that carries bytes both ways', async () => {
  const { url } = await open(async (connection) => {
    expect(connection.remoteAddr.toString()).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws$/)
    connection.addEventListener('message', ({ data }) => connection.send(data))
  })
  const { socket } = await dial(url)
  const answer = new Promise<ArrayBuffer>((resolve) =>
    socket.addEventListener('message', ({ data }) => resolve(data)),
  )
  socket.send(new Uint8Array([1, 2, 3]))
  expect([...new Uint8Array(await answer)]).toEqual([1, 2, 3])
  socket.close()
})

test('a sender waits for a slow reader, and goes on when it has read', async () => {
  let connection: MultiaddrConnection | undefined
  const { url } = await open(async (opened) => {
    connection = opened
  })
  const { socket } = await dial(url)
  let received = 0
  socket.addEventListener('message', ({ data }) => {
    received += data.byteLength
  })
  const chunk = new Uint8Array(64 * 1024)
  const chunks = (8 * WEBSOCKET_BUFFERED_BYTES_MAX) / chunk.length
  let waits = 0
  for (let sent = 0; sent < chunks; sent++) {
    if (connection?.send(chunk) !== false) continue
    waits++
    await connection.onDrain()
  }
  expect(waits).toBeGreaterThan(0)
  await vi.waitFor(() => expect(received).toBe(chunks * chunk.length), 10_000)
  socket.close()
})

test('who is refused, says text or too much at once, is cut off', async () => {
  const refusing = await open(() => Promise.reject(new Error('denied')))
  await (await dial(refusing.url)).closed
  const { url } = await open(async () => {})
  for (const message of ['text', new Uint8Array(WEBSOCKET_MESSAGE_BYTES_MAX + 1)]) {
    const { socket, closed } = await dial(url)
    socket.send(message)
    await closed
  }
})

test('who has gone before it is looked at, and so has no address, is let go', async () => {
  let brought = 0
  const { entry } = await open(async () => void brought++)
  const socket = new PassThrough()
  const headers = { upgrade: 'websocket' }
  entry.take({ headers, socket } as unknown as IncomingMessage, socket, Buffer.alloc(0), '')
  expect([socket.destroyed, brought]).toEqual([true, 0])
})

test('a closed entry has no socket and takes none', async () => {
  const { entry, url } = await open(async () => {})
  const { closed } = await dial(url)
  entry.close()
  await closed
  const late = await dial(url)
  await late.closed
})
