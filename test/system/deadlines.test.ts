import type { ChildProcess } from 'node:child_process'
import { randomTensor } from '@layerswarm/model'
import { createPeer, type Peer } from '@layerswarm/peer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningSwarm, startCommand, startService } from '../support/run-command.ts'

/** An answer or an error comes no later than this after its deadline, milliseconds. */
const OVERSHOOT_MS_MAX = 100
const DEADLINES_MS = [1, 50, 1_000, 5_000]
/** A provider that computes for so much of its time. */
const SLOW_SHARE = 0.005
const MEETING_MS_MAX = 60_000
const HALVES = ['0,1,2,3', '4,5,6,7']

let server: RunningSwarm
let asker: Peer
const providers: ChildProcess[] = []
const slow: Peer[] = []

beforeAll(async () => {
  server = await startService('signaling', '--port', '0')
  asker = createPeer({ join: server.url, serve: 'none', webrtc: false })
  await asker.start()
})
afterAll(async () => {
  await asker?.stop()
  await server?.end('SIGTERM')
})

/** How a request ended, and how late, from the call. */
async function asked(deadlineMs: number) {
  const { channels, imageSize } = asker.manifest.spec
  const images = randomTensor([1, channels, imageSize, imageSize], 1)
  const startMs = performance.now()
  const { answer } = await asker.classify(images, { deadlineMs })
  const outcome = await answer.then(
    ({ route, totalMs }) => ({ layers: route.length, totalMs, error: '' }),
    (error: unknown) => ({ layers: 0, totalMs: deadlineMs, error: String(error) }),
  )
  return { ...outcome, lateMs: performance.now() - startMs - deadlineMs }
}

/** Until every layer has a host with a direct connection to the asker. */
async function covered(): Promise<void> {
  const untilMs = performance.now() + MEETING_MS_MAX
  const isMet = () =>
    asker.snapshot().coverage.every((hosts) => hosts > 0) &&
    asker.snapshot().peers.every(({ connection }) => connection === 'direct')
  while (!isMet()) {
    if (performance.now() > untilMs) throw new Error('the peers did not meet')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe('a request of a peer that has no neighbour', () => {
  test.each(DEADLINES_MS)('fails by its deadline of %d ms', async (deadlineMs) => {
    const { lateMs, error } = await asked(deadlineMs)
    expect(error).toMatch(
      /nobody in this swarm hosts a layer|had not heard yet who hosts|had not run the stem/,
    )
    expect(lateMs).toBeLessThan(OVERSHOOT_MS_MAX)
  })
})

describe('a request of a peer whose neighbours are slow', () => {
  beforeAll(async () => {
    for (const serve of [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]) {
      const peer = createPeer({ join: server.url, serve, webrtc: false, timeShare: SLOW_SHARE })
      slow.push(peer)
      await peer.start()
    }
    await covered()
  })
  afterAll(() => Promise.all(slow.map((peer) => peer.stop())))

  test.each(DEADLINES_MS)('ends by its deadline of %d ms', async (deadlineMs) => {
    const { lateMs, layers, error } = await asked(deadlineMs)
    expect(lateMs).toBeLessThan(OVERSHOOT_MS_MAX)
    if (layers === 0) expect(error).toContain(`no answer within ${deadlineMs} ms`)
  })
})

describe('a request of a peer whose neighbours are stopped', () => {
  beforeAll(async () => {
    for (const layers of HALVES)
      providers.push(startCommand('peer', '--join', server.url, '--layers', layers, '--no-webrtc'))
    await covered()
  })
  afterAll(() => {
    for (const one of providers) one.kill('SIGKILL')
  })

  test.each(DEADLINES_MS)('fails by its deadline of %d ms, and says so', async (deadlineMs) => {
    await covered()
    for (const one of providers) one.kill('SIGSTOP')
    const { lateMs, error } = await asked(deadlineMs)
    for (const one of providers) one.kill('SIGCONT')
    expect(lateMs).toBeLessThan(OVERSHOOT_MS_MAX)
    expect(error).toContain(`no answer within ${deadlineMs} ms`)
    if (deadlineMs >= 1_000) expect(error).toMatch(/did not answer|took the request on/)
  })

  test('is answered once they go on', async () => {
    await covered()
    const { layers, lateMs } = await asked(10_000)
    expect(layers).toBe(8)
    expect(lateMs).toBeLessThan(0)
  })
})
