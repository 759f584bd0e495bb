import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
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
  const signaling = createSignaling({ port: 0, modelDirs: [model] })
  const { port, addresses } = await signaling.start()
  const ports = [port, ...addresses.map((address) => Number(address.split('/')[4]))]
  const sockets = ports.map((each) => connect(each, '127.0.0.1').on('error', () => {}))
  const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))),
  )
  expect(resources().tcp.filter((name) => name === 'TCPServerWrap')).toHaveLength(3)
  await signaling.stop()
  await Promise.all(closed)
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
