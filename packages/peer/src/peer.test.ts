import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createReferenceEngine, randomTensor, releaseId, type Tensor } from '@layerswarm/model'
import { type SwarmKey, swarmId } from '@layerswarm/swarm'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { PeerError } from './errors.ts'
import { LANE_MEET_TIMEOUT_MS } from './limits.ts'
import type { PeerOptions } from './options.ts'
import { createPeer, type Peer } from './peer.ts'
import { eventually } from './testing/test-nodes.ts'
import {
  FILES,
  PUBLISHER,
  startTestSwarm,
  type TestSwarm,
  TINY_SPEC,
} from './testing/test-swarm.ts'

let swarm: TestSwarm
const started: Peer[] = []

beforeAll(async () => {
  swarm = await startTestSwarm()
})
afterEach(async () => {
  await Promise.all(started.splice(0).map((peer) => peer.stop()))
})
afterAll(() => swarm.stop())

function create(options: Partial<PeerOptions> = {}): Peer {
  const peer = createPeer({ join: swarm.join, engine: 'reference', webrtc: false, ...options })
  started.push(peer)
  return peer
}

async function start(options: Partial<PeerOptions> = {}): Promise<Peer> {
  const peer = create(options)
  await peer.start()
  return peer
}

/** What keeps the process alive, counted by type. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const type of process.getActiveResourcesInfo()) counts[type] = (counts[type] ?? 0) + 1
  return counts
}

const image = (): Tensor => randomTensor([1, 1, 8, 8], 9)

/** The logits of the plain-loop reference for layers in this order. */
async function expectedLogits(order: readonly number[]): Promise<number[]> {
  const engine = await createReferenceEngine(TINY_SPEC)
  for (const [part, file] of FILES) await engine.load(part, file)
  let tensor = await engine.run('stem', image(), 0)
  for (const [hop, layer] of order.entries()) tensor = await engine.run(layer, tensor, hop)
  return [...(await engine.run('head', tensor, 0)).data]
}

async function layersRefused(serve: readonly number[]): Promise<string> {
  const error: unknown = await create({ serve })
    .start()
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ fault: { code: 'bad-options', field: 'serve' } })
  return error instanceof Error ? error.message : ''
}

async function faultOf(promise: Promise<unknown>): Promise<PeerError['fault']> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof PeerError) return error.fault
  throw new Error(`expected a PeerError, got ${String(error)}`)
}

describe('a peer', { timeout: 60_000 }, () => {
  test('has an image classified by two others, and says by whom', async () => {
    const providers = await Promise.all([
      start({ serve: [0, 2], wireDtype: 'float32' }),
      start({ serve: [1, 3], wireDtype: 'float32' }),
    ])
    const requester = await start({ serve: 'none', wireDtype: 'float32' })
    await eventually('coverage', () => requester.snapshot().coverage.every((hosts) => hosts === 1))
    const { answer } = await requester.classify(image(), { deadlineMs: 20_000 })
    const { logits, route, missingLayers } = await answer
    expect(missingLayers).toEqual([])
    const expected = await expectedLogits(route.map(({ layer }) => layer))
    logits[0]?.forEach((value, index) => {
      expect(value).toBeCloseTo(expected[index] ?? Number.NaN, 4)
    })
    const ids = providers.map((peer) => peer.snapshot().peerId)
    for (const { layer, peer } of route) expect(peer).toBe(ids[layer % 2])
    const { bytes, connections, release } = requester.snapshot()
    expect(release?.id).toBe(releaseId(swarm.manifest))
    expect(bytes.gossipIn).toBeGreaterThan(0)
    expect(bytes.tensorsOverRelay).toBe(0)
    expect(connections).toBe(3)
  })

  test('does not come about with a claim policy that nobody knows', () => {
    expect(() => create({ policy: 'fifo' as PeerOptions['policy'] })).toThrow(
      'policy must be one of direct, direct-few, gossip, not fifo',
    )
  })

  test('answers with few witnesses, and without anybody named, as well', async () => {
    for (const policy of ['direct-few', 'gossip'] as const) {
      const provider = await start({ serve: [0, 1, 2, 3], policy })
      const asker = await start({ serve: 'none', policy })
      await eventually('the host', () => asker.snapshot().coverage.every((hosts) => hosts === 1))
      const { answer } = await asker.classify(image(), { deadlineMs: 8_000 })
      const { route } = await answer
      expect(route.map(({ layer }) => layer).sort()).toEqual([0, 1, 2, 3])
      await Promise.all([provider.stop(), asker.stop()])
    }
  })

  test('does not wait for others whom it has not met before', async () => {
    const alone = await start({ serve: [0, 1, 2, 3] })
    await eventually('its layers', () => alone.snapshot().hostedLayers.length === 4)
    const ask = async () => {
      const startedMs = performance.now()
      await (await alone.classify(image())).answer
      return performance.now() - startedMs
    }
    await ask()
    expect(await ask()).toBeLessThan(LANE_MEET_TIMEOUT_MS)
  })

  test('refuses to host a layer that the model does not have', async () => {
    const peer = create({ serve: [0, 99] })
    const fault = await faultOf(peer.start())
    expect(fault).toEqual({ code: 'bad-options', field: 'serve' })
    expect(peer.snapshot()).toMatchObject({ state: 'offline', connections: 0 })
  })

  test('refuses a share of the time that is none', async () => {
    const peer = await start({ serve: [0] })
    for (const share of [0, 1.5, Number.NaN]) {
      expect(() => peer.setTimeShare(share)).toThrow('timeShare must be above 0 and at most 1')
    }
  })

  test('takes a layer file from another peer when the server has lost it', async () => {
    const first = await start({ serve: [0] })
    await eventually('hosting', () => first.snapshot().hostedLayers.length === 1)
    const lost = swarm.manifest.parts.find(({ part }) => part === 0)
    const path = `/parts/${lost?.sha256}`
    const file = swarm.files.get(path)
    if (file === undefined) throw new Error('the fixture has no layer 0')
    swarm.files.delete(path)
    try {
      const second = await start({ serve: 'auto', capacity: 0 })
      await eventually('the connection', () =>
        second.snapshot().peers.some(({ connection }) => connection === 'direct'),
      )
      second.setCapacity(4)
      await eventually('hosting', () => second.snapshot().hostedLayers.includes(0), 20_000)
      expect(second.snapshot().bytes.layersFromPeers).toBe(file.length)
      expect(first.snapshot().bytes.layersToPeers).toBe(file.length)
    } finally {
      swarm.files.set(path, file)
    }
  })

  test('hears the others again after the bootstrap node has restarted', async () => {
    const [one, other] = await Promise.all([start({ serve: [0] }), start({ serve: 'none' })])
    await swarm.restartBootstrap()
    await eventually('the loss', () => one.snapshot().relay === 'connected', 15_000)
    await eventually('both back', () => other.snapshot().relay === 'connected', 15_000)
    const late = await start({ serve: 'none' })
    await eventually('presence', () => late.snapshot().peers.length === 2, 15_000)
  })

  test('tells the others at once that it stops', async () => {
    const [stayer, leaver] = await Promise.all([start({ serve: [0] }), start({ serve: [1] })])
    await eventually('the meeting', () => stayer.snapshot().peers.length === 1)
    const gone = new Promise((resolve) => {
      stayer.on((event) => event.type === 'peer-left' && resolve(event.peer))
    })
    const id = leaver.snapshot().peerId
    await leaver.stop()
    expect(await gone).toBe(id)
    expect(leaver.snapshot()).toMatchObject({ state: 'offline', peerId: undefined })
  })

  test('can be started again, under the same id, from its data directory', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'layerswarm-peer-'))
    try {
      const peer = await start({ serve: 'none', dataDir })
      const id = peer.snapshot().peerId
      await peer.stop()
      await peer.start()
      expect(peer.snapshot().peerId).toBe(id)
      const key = join(dataDir, 'identity-0.key')
      expect((await stat(key)).mode & 0o777).toBe(0o600)
      await peer.stop()
      await writeFile(key, 'not a key')
      expect(await faultOf(peer.start())).toEqual({ code: 'bad-identity', path: key })
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })

  test('leaves no timer, socket, stream or worker behind when it stops', async () => {
    const before = resources()
    const peers = await Promise.all([start({ serve: [0] }), start({ serve: [1, 2, 3] })])
    const { answer } = await (await start({ serve: 'none' })).classify(image())
    await answer
    expect(resources().TCPServerWrap).toBe((before.TCPServerWrap ?? 0) + 6)
    await Promise.all([...started, ...peers].map((peer) => peer.stop()))
    await eventually('silence', () =>
      Object.entries(resources()).every(([type, count]) => count <= (before[type] ?? 0)),
    )
  })

  test('leaves nothing behind when it is stopped while the engine is starting', async () => {
    const before = resources()
    const peer = create({ serve: [0] })
    const stopped = new Promise<void>((resolve, reject) => {
      peer.on((event) => {
        if (event.type === 'state-changed' && event.reason.includes('engine')) {
          peer.stop().then(resolve, reject)
        }
      })
    })
    expect(await faultOf(peer.start())).toEqual({ code: 'stopped' })
    await stopped
    await eventually('silence', () =>
      Object.entries(resources()).every(([type, count]) => count <= (before[type] ?? 0)),
    )
  })

  test('takes another identity when its own is in use', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'layerswarm-peer-'))
    try {
      const peers = [
        await start({ serve: 'none', dataDir }),
        await start({ serve: 'none', dataDir }),
      ]
      expect(new Set(peers.map((peer) => peer.snapshot().peerId)).size).toBe(2)
      await Promise.all(peers.map((peer) => peer.stop()))
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })

  test('reports each step of joining and can be stopped in the middle', async () => {
    const peer = create({ serve: 'none' })
    const states = new Set<string>()
    peer.on((event) => event.type === 'state-changed' && states.add(event.state))
    const starting = faultOf(peer.start())
    await peer.stop()
    expect(await starting).toEqual({ code: 'stopped' })
    await peer.start()
    expect([...states]).toEqual(['joining', 'offline', 'serving'])
  })
})

describe('a peer that cannot join', { timeout: 30_000 }, () => {
  test.each([
    ['a URL that is none', { join: 'nowhere' }, 'bad-join-url'],
    ['a port where nobody listens', { join: 'http://127.0.0.1:1' }, 'unreachable'],
    ['a release that is not offered', { release: 'huge' }, 'no-release'],
    ['a publisher it does not trust', { trustedPublishers: ['00'] }, 'untrusted-publisher'],
  ])('says so: %s', async (_, options, code) => {
    const peer = create(options)
    expect((await faultOf(peer.start())).code).toBe(code)
    expect(peer.snapshot().state).toBe('offline')
    expect(peer.snapshot().reason).not.toBe('')
  })

  test('says which layer that it is to host the model does not have', async () => {
    const last = TINY_SPEC.layers - 1
    expect(await layersRefused([0, last + 1])).toBe(
      `layer ${last + 1} does not exist; this model has layers 0 to ${last}`,
    )
    expect(await layersRefused([0, 0])).toBe('layer 0 is named twice')
  })

  test.each([
    ['is not JSON', new TextEncoder().encode('<html>'), 'bad-bootstrap'],
    ['speaks another protocol', jsonOf({ protocol: 9 }), 'bad-bootstrap'],
    [
      'has an address that leads nowhere',
      jsonOf({ protocol: 1, addresses: ['/ip4/1.2.3.4'], releases: [] }),
      'bad-bootstrap',
    ],
    ['is too long', new Uint8Array(140_000), 'unreachable'],
  ])('refuses a bootstrap.json that %s', async (_, content, code) => {
    const path = '/bootstrap.json'
    const right = swarm.files.get(path) ?? new Uint8Array()
    swarm.files.set(path, content)
    try {
      expect((await faultOf(create().start())).code).toBe(code)
    } finally {
      swarm.files.set(path, right)
    }
  })

  test('connects to nobody of a private swarm without its key, and says so', async () => {
    const path = '/bootstrap.json'
    const right = swarm.files.get(path) ?? new Uint8Array()
    const document = JSON.parse(new TextDecoder().decode(right))
    swarm.files.set(path, jsonOf({ ...document, swarm: 'ab'.repeat(32) }))
    try {
      expect((await faultOf(create().start())).code).toBe('private-swarm')
      const swarmKey = 'k'.repeat(43)
      expect((await faultOf(create({ swarmKey }).start())).code).toBe('bad-swarm-key')
      // Whatever the server says: with a key nobody is met who has none.
      swarm.files.set(path, jsonOf({ ...document, swarm: swarmId(swarmKey as SwarmKey) }))
      expect((await faultOf(create({ swarmKey }).start())).code).toBe('unreachable')
    } finally {
      swarm.files.set(path, right)
    }
  })

  test('refuses a manifest that was changed after it was signed', async () => {
    const path = `/releases/${releaseId(swarm.manifest)}/manifest.json`
    const right = swarm.files.get(path) ?? new Uint8Array()
    swarm.files.set(path, jsonOf({ ...swarm.manifest, labels: ['a', 'b', 'c'] }))
    try {
      expect((await faultOf(create().start())).code).toBe('bad-manifest')
    } finally {
      swarm.files.set(path, right)
    }
  })

  test('runs a release of a publisher that it was told to trust', async () => {
    const peer = await start({ serve: 'none', trustedPublishers: [PUBLISHER] })
    expect(peer.manifest.name).toBe('tiny')
  })
})

function jsonOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
