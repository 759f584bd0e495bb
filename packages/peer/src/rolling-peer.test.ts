import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Manifest, randomTensor, releaseId } from '@layerswarm/model'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PeerOptions } from './options.ts'
import { createPeer, type Peer } from './peer.ts'
import {
  createRollingPeer,
  type RollingEvent,
  type RollingOptions,
  type RollingPeer,
} from './rolling-peer.ts'
import { eventually } from './testing/test-nodes.ts'
import {
  offerRelease,
  PUBLISHER_KEY,
  startTestSwarm,
  type TestSwarm,
} from './testing/test-swarm.ts'

const LATER = '2026-11-24T08:00:00Z'

let swarm: TestSwarm
const started: { stop(): Promise<void> }[] = []

beforeEach(async () => {
  swarm = await startTestSwarm()
})
afterEach(async () => {
  await Promise.all(started.splice(0).map((peer) => peer.stop()))
  await swarm.stop()
})

async function join(options: Partial<PeerOptions>): Promise<Peer> {
  const peer = createPeer({ join: swarm.join, engine: 'reference', webrtc: false, ...options })
  started.push(peer)
  await peer.start()
  return peer
}

async function follow(
  timing: Partial<RollingOptions> = {},
  given: Partial<PeerOptions> = {},
): Promise<RollingPeer> {
  const options = {
    join: swarm.join,
    engine: 'reference',
    webrtc: false,
    serve: 'auto',
    capacity: 4,
  } as const
  const peer = createRollingPeer({ ...options, ...given }, { pollMs: 100, quietMs: 500, ...timing })
  started.push(peer)
  await peer.start()
  return peer
}

/** Offers another release of the fixture's name before the old one. */
function offer(createdAt: string, key = PUBLISHER_KEY, mixes?: Manifest['mixes']): Manifest {
  const training = { ...swarm.manifest.training, createdAt }
  return offerRelease(swarm, { training, ...(mixes === undefined ? {} : { mixes }) }, key)
}

const image = () => randomTensor([1, 1, 8, 8], 9)
const isServing = (peer: RollingPeer, release: Manifest): boolean =>
  peer.snapshot().release?.id === releaseId(release) && peer.snapshot().hostedLayers.length === 4

describe('a provider that follows its release', { timeout: 120_000 }, () => {
  test('takes its own port along', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const peer = await follow({}, { port })
    const refused: string[] = []
    peer.on((event) => {
      if (event.type === 'release-refused') refused.push(event.reason)
    })
    const newer = offer(LATER)
    await eventually('the newer release', () => isServing(peer, newer), 20_000)
    expect(refused).toEqual([])
  })

  test('moves to a newer one while it goes on answering for the older one', async () => {
    const peers = [await follow({ quietMs: 5_000 }), await follow({ quietMs: 5_000 })]
    const old = swarm.manifest
    const left = new Set<string>()
    for (const [index, peer] of peers.entries()) {
      peer.on((event) => {
        if (event.type === 'release-left') left.add(`${index} ${event.release}`)
      })
    }
    const requester = await join({ serve: 'none' })
    await eventually('coverage', () => requester.snapshot().coverage.every((hosts) => hosts > 1))
    let answered = 0
    let asking = true
    const load = (async () => {
      while (asking) {
        const { answer } = await requester.classify(image(), { deadlineMs: 20_000 })
        expect((await answer).missingLayers).toEqual([])
        answered += 1
      }
    })()
    await eventually('some answers', () => answered > 3)
    const newer = offer(LATER)
    await eventually(
      'the newer release',
      () => peers.every((peer) => isServing(peer, newer)),
      20_000,
    )
    const before = answered
    await eventually('answers from the older one', () => answered > before + 3)
    const late = await join({ serve: 'none' })
    expect(late.snapshot().release?.id).toBe(releaseId(newer))
    await eventually('coverage', () => late.snapshot().coverage.every((hosts) => hosts > 0))
    const { answer } = await late.classify(image(), { deadlineMs: 20_000 })
    expect((await answer).missingLayers).toEqual([])
    asking = false
    await load
    await eventually('leaving the older one', () => left.size === 2, 30_000)
    expect([...left].every((one) => one.endsWith(releaseId(old)))).toBe(true)
  })

  test('comes back to its lane with a newer one that mixes, and nobody waits for two', async () => {
    // None of them is the only host of a layer for long.
    const peers = [await follow(), await follow(), await follow()]
    const old = releaseId(swarm.manifest)
    const events: RollingEvent[] = []
    for (const peer of peers)
      peer.on((event) => {
        if (event.type === 'release-changed' || event.type === 'release-left') events.push(event)
      })
    const requester = await join({ serve: 'none' })
    await eventually('coverage', () => requester.snapshot().coverage.every((hosts) => hosts > 2))
    const seen = new Set<string>()
    const ask = async () => {
      const { answer } = await requester.classify(image(), { deadlineMs: 20_000 })
      const { route, missingLayers } = await answer
      expect(missingLayers).toEqual([])
      for (const { weights } of route) seen.add(weights ?? old)
    }
    await ask()
    const newer = offer(LATER, PUBLISHER_KEY, [
      { release: old, accuracy: 0.9, own: 0.9, other: 0.9 },
    ])
    // Whoever was the only host for a while goes on with the older one until others are heard.
    const isMoved = () => peers.every((peer) => isServing(peer, newer))
    while (!isMoved() || !seen.has(releaseId(newer))) await ask()
    expect(requester.snapshot().release?.id).toBe(old)
    expect(seen).toEqual(new Set([old, releaseId(newer)]))
    for (const peer of peers) expect(peer.snapshot().laneRelease?.id).toBe(old)
    const left = events.filter(({ type }) => type === 'release-left')
    expect(left.length).toBeGreaterThan(0)
    expect(events).toContainEqual({
      ...{ type: 'release-changed', from: old, to: releaseId(newer), isShared: true },
    })
  })

  test('stays with what it has when the other is older, or of another publisher', async () => {
    const peer = await follow()
    offer('2026-01-01T00:00:00Z')
    offer(LATER, new Uint8Array(32).fill(8))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(peer.snapshot().release?.id).toBe(releaseId(swarm.manifest))
  })

  test('stays with what it has, and says so once, when the newer one cannot be had', async () => {
    const peer = await follow({ settleMs: 1_000 })
    await eventually('hosting', () => peer.snapshot().hostedLayers.length === 4)
    const events: RollingEvent[] = []
    peer.on((event) => events.push(event))
    const newer = offer(LATER)
    for (const { sha256: hash } of newer.parts) swarm.files.delete(`/parts/${hash}`)
    await eventually('the refusal', () => events.some(({ type }) => type === 'release-refused'))
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(events.filter(({ type }) => type === 'release-refused')).toHaveLength(1)
    expect(peer.snapshot().release?.id).toBe(releaseId(swarm.manifest))
    expect(peer.snapshot().hostedLayers).toHaveLength(4)
  })

  test('stops at once, also in the middle of a move', async () => {
    const peer = await follow({ quietMs: 60_000 })
    const newer = offer(LATER)
    await eventually('the newer release', () => peer.snapshot().release?.id === releaseId(newer))
    await peer.stop()
    expect(peer.snapshot().state).toBe('offline')
  })
})
