import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { makeCertificate } from './certificate.ts'
import { freePort } from './free-port.ts'
import { writeRelease } from './release-fixture.ts'
import { createSignaling } from './signaling.ts'

let model: string

beforeAll(async () => {
  model = await mkdtemp(join(tmpdir(), 'layerswarm-shutdown-'))
  await writeRelease(model, 'tiny')
})

afterAll(() => rm(model, { recursive: true }))

/** Servers and sockets of this process, and timers that keep it alive. */
function resources(): { tcp: string[]; timers: number } {
  const open = process.getActiveResourcesInfo()
  return {
    tcp: open.filter((name) => name.startsWith('TCP')),
    timers: open.filter((name) => name === 'Timeout').length,
  }
}

const patience = { timeout: 5_000, interval: 50 }

/** The timers of a process that only waits here: the test's own and those of the waiting. */
function idleTimers(): Promise<number> {
  let polls = 0
  return vi.waitFor(() => {
    polls += 1
    expect(polls).toBeGreaterThan(2)
    return resources().timers
  }, patience)
}

/** libp2p's last debounced writes end within a second of its stop; whatever stays longer is a leak. */
async function expectIdle(timers: number): Promise<void> {
  await vi.waitFor(() => {
    expect(resources().tcp).toEqual([])
    expect(resources().timers).toBeLessThanOrEqual(timers)
  }, patience)
}

test('a stopped server leaves no listener, socket or timer, whoever was connected', async () => {
  const timers = await idleTimers()
  const tcpPort = await freePort()
  const signaling = createSignaling({ port: 0, tcpPort, modelDirs: [model] })
  const { port } = await signaling.start()
  const sockets = [port, port, tcpPort].map((each) =>
    connect(each, '127.0.0.1').on('error', () => {}),
  )
  const [, websocket] = sockets
  const key = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13'
  websocket?.write(
    `GET / HTTP/1.1\r\nhost: here\r\nconnection: upgrade\r\nupgrade: websocket\r\n${key}\r\n\r\n`,
  )
  const upgraded = new Promise((resolve) => websocket?.once('data', resolve))
  const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))),
  )
  expect(String(await upgraded)).toContain('101 Switching Protocols')
  expect(resources().tcp.filter((name) => name === 'TCPServerWrap')).toHaveLength(2)
  await signaling.stop()
  await Promise.all(closed)
  await expectIdle(timers)
}, 20_000)

test('neither does one that speaks TLS, whoever has not shaken hands yet', async () => {
  const timers = await idleTimers()
  const tls = await makeCertificate(['127.0.0.1'])
  const signaling = createSignaling({ port: 0, tls, inner: true, modelDirs: [model] })
  const { port } = await signaling.start()
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await new Promise((resolve) => socket.once('connect', resolve))
  await signaling.stop()
  await closed
  await expectIdle(timers)
}, 20_000)

test('a start that fails, or is stopped on its way, leaves nothing open', async () => {
  const timers = await idleTimers()
  const empty = createSignaling({ port: 0, modelDirs: [] })
  await expect(empty.start()).rejects.toThrow('no model folder was given')
  const hasty = createSignaling({ port: 0, modelDirs: [model] })
  const starting = hasty.start()
  await hasty.stop()
  await starting
  expect(hasty.snapshot().state).toBe('stopped')
  await expectIdle(timers)
}, 20_000)

test('a server starts and stops as often as asked, in the order asked', async () => {
  const signaling = createSignaling({ port: 0, modelDirs: [model] })
  const [first, , second] = await Promise.all([
    signaling.start(),
    signaling.stop(),
    signaling.start(),
  ])
  expect(signaling.snapshot()).toMatchObject({ state: 'ready', url: second.url })
  expect(first.peerId).not.toBe(second.peerId)
  expect(await signaling.start()).toBe(second)
  await signaling.stop()
  await signaling.stop()
}, 20_000)
