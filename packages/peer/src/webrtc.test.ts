import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { randomTensor } from '@layerswarm/model'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { PeerOptions } from './options.ts'
import { createPeer, type Peer } from './peer.ts'
import { addressesOf, createTestNode, eventually } from './testing/test-nodes.ts'
import { startTestSwarm, type TestSwarm } from './testing/test-swarm.ts'

let swarm: TestSwarm
const started: Peer[] = []

beforeAll(async () => {
  swarm = await startTestSwarm()
})
afterEach(async () => {
  await Promise.all(started.splice(0).map((peer) => peer.stop()))
})
afterAll(() => swarm.stop())

async function start(options: Partial<PeerOptions>): Promise<Peer> {
  const peer = createPeer({ join: swarm.join, engine: 'reference', webrtc: true, ...options })
  started.push(peer)
  await peer.start()
  return peer
}

/** Lets nobody open a socket to it. */
const hidden = (options: Partial<PeerOptions>) => start({ host: undefined, ...options })

/** WebRTC finds no address to be met at where loopback is all there is. */
const isOnNetwork = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ internal }) => !internal),
)

/** What keeps the process alive, counted by type. */
function resources(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1)
  return counts
}

const carriers = (peer: Peer) => peer.snapshot().peers.map(({ transport }) => transport)

describe.runIf(isOnNetwork)('Node peers with WebRTC', { timeout: 60_000 }, () => {
  test('work together where neither can open a socket to the other', async () => {
    const providers = [await hidden({ serve: [0, 2] }), await hidden({ serve: [1, 3] })]
    const asker = await hidden({ serve: 'none' })
    await eventually(
      'the meeting',
      () => [...providers, asker].every((peer) => carriers(peer).join() === 'webrtc,webrtc'),
      20_000,
    )
    expect(asker.snapshot().relay).toBe('reserved')
    const { answer } = await asker.classify(randomTensor([1, 1, 8, 8], 9), { deadlineMs: 20_000 })
    const { route, missingLayers } = await answer
    expect(missingLayers).toEqual([])
    const ids = providers.map((peer) => peer.snapshot().peerId)
    for (const { layer, peer } of route) expect(peer).toBe(ids[layer % 2])
    expect(asker.snapshot().bytes.tensorsOverRelay).toBe(0)
  })

  test('leave nothing behind when they stop', async () => {
    const before = resources()
    const pair = [await hidden({ serve: [0, 1] }), await hidden({ serve: [2, 3] })]
    await eventually(
      'the meeting',
      () => pair.every((peer) => carriers(peer).join() === 'webrtc'),
      20_000,
    )
    await Promise.all(pair.map((peer) => peer.stop()))
    await eventually('silence', () =>
      [...resources()].every(([type, count]) => count <= (before.get(type) ?? 0)),
    )
  })

  test('prefer a socket where there is one', async () => {
    const provider = await start({ serve: [0, 1, 2, 3] })
    const asker = await start({ serve: 'none' })
    await eventually('the meeting', () =>
      [provider, asker].every((peer) => carriers(peer).join() === 'tcp'),
    )
  })

  test('leave a socket that does not answer for WebRTC', async () => {
    // Reserved for documentation (RFC 5737): what is sent there is lost, or refused.
    const announce = ['/ip4/203.0.113.7/tcp/9009']
    const provider = await start({ serve: [0, 1, 2, 3], announce })
    const asker = await start({ serve: 'none', announce })
    const met = () => carriers(asker).join() === 'webrtc' && carriers(provider).join() === 'webrtc'
    await eventually('the meeting', met, 20_000)
  })
})

describe('where a Node peer is reached', { timeout: 30_000 }, () => {
  test('is what its owner announces, and otherwise what it listens on', async () => {
    const nodes = [
      await createTestNode(),
      await createTestNode({ port: 0 }),
      await createTestNode({ port: 0, announce: ['/dns4/volunteer.example/tcp/9002/ws'] }),
    ]
    const told = nodes.map(({ node }) =>
      addressesOf(node).map((address) => address.replace(/tcp\/\d{5}/, 'tcp/N').split('/p2p/')[0]),
    )
    await Promise.all(nodes.map(({ node }) => node.stop()))
    expect(told).toEqual([
      ['/ip4/127.0.0.1/tcp/N', '/ip4/127.0.0.1/tcp/N/ws'],
      ['/ip4/127.0.0.1/tcp/N/ws'],
      ['/dns4/volunteer.example/tcp/9002/ws'],
    ])
  })

  test('is refused in one line when another program has its port', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const joining = start({ serve: [0], webrtc: true, port })
    await expect(joining).rejects.toThrow(`port ${port} is in use by another program; stop that`)
    server.close()
  })

  test('is refused in one line at an address of another machine', async () => {
    const joining = start({ serve: [0], webrtc: false, host: '203.0.113.7' })
    await expect(joining).rejects.toThrow(
      'cannot listen on 203.0.113.7, port 0; give an IP address of this machine',
    )
  })

  test.each([
    [{ port: 70_000 }, 'port must be a whole number from 0 to 65535, not 70000'],
    [{ host: undefined, port: 9000 }, 'listens on no host has no port'],
    [{ host: undefined, webrtc: false }, 'needs WebRTC, or nobody can reach it'],
    [{ announce: ['volunteer.example:9000'] }, 'cannot announce volunteer.example:9000'],
    [{ announce: ['/dns4/volunteer.example/udp/9000'] }, 'no TCP port of a host'],
    [{ announce: [`https://volunteer.example/${'a'.repeat(200)}/`] }, 'too long'],
    [{ announce: Array.from({ length: 7 }, () => 'https://a.example/') }, '6 at most'],
  ])('is not %j', (options, words) => {
    expect(() => createPeer({ join: swarm.join, ...options })).toThrow(words)
  })
})
