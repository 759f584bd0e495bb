import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import './polyfill.ts'
import './web-socket-fixture.ts'
import { type SwarmKey, swarmId, swarmPrologue } from '@layerswarm/swarm'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from './free-port.ts'
import { writeRelease } from './release-fixture.ts'
import { createSignaling } from './signaling.ts'

const soon = { timeout: 15_000, interval: 20 }
const newKey = () => randomBytes(32).toString('base64url') as SwarmKey
const KEY = newKey()

let root = ''
let model = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'layerswarm-private-'))
  model = join(root, 'tiny')
  await writeRelease(model, 'tiny')
})
afterAll(() => rm(root, { recursive: true }))

const stops: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

async function start(swarmKey: SwarmKey | undefined, port = 0, peerWith: string[] = []) {
  const lines: string[] = []
  const log = ({ text }: { text: string }) => void lines.push(text)
  const server = createSignaling({ port, modelDirs: [model], swarmKey, peerWith, log })
  stops.push(() => server.stop())
  const { url, peerId } = await server.start()
  return { server, url, peerId, lines }
}

/** A libp2p node as any other, with a key or without. */
async function node(key: SwarmKey | undefined) {
  const made = await createLibp2p({
    addresses: { listen: ['/p2p-circuit'] },
    transports: [webSockets(), circuitRelayTransport()],
    connectionEncrypters: [noise({ prologueBytes: swarmPrologue(key) })],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(), pubsub: gossipsub() },
  })
  stops.push(() => made.stop())
  return made
}

const placeOf = ({ url, peerId }: { url: string; peerId: string }) =>
  multiaddr(`/ip4/127.0.0.1/tcp/${new URL(url).port}/ws/p2p/${peerId}`)

describe('the server of a private swarm', { timeout: 30_000 }, () => {
  test('says which one it is, and nothing of its key', async () => {
    const { url, lines } = await start(KEY)
    const text = await (await fetch(`${url}/bootstrap.json`)).text()
    expect(JSON.parse(text).swarm).toBe(swarmId(KEY))
    const metrics = await (await fetch(`${url}/metrics`)).text()
    for (const said of [text, metrics, ...lines]) expect(said).not.toContain(KEY)
  })

  test('gives a member a place to be met at, and whoever has no key or another one nothing', async () => {
    const started = await start(KEY)
    for (const key of [undefined, newKey()]) {
      const outsider = await node(key)
      await expect(outsider.dial(placeOf(started))).rejects.toThrow(
        /validation fail|closed|reset|ended/i,
      )
      expect(outsider.getMultiaddrs()).toEqual([])
      expect(outsider.services.pubsub.getPeers()).toEqual([])
    }
    const { relay, peers } = started.server.snapshot()
    expect(relay.reservations + relay.presenceTopics + peers.announced).toBe(0)
    const member = await node(KEY)
    await member.dial(placeOf(started))
    await vi.waitFor(() => expect(member.getMultiaddrs()).not.toEqual([]), soon)
    expect(started.server.snapshot().relay.reservations).toBe(1)
  })

  test('introduces two members to each other, and nobody by whose circuit an outsider would come', async () => {
    const started = await start(KEY)
    const [met, member] = [await node(KEY), await node(KEY)]
    for (const one of [met, member]) await one.dial(placeOf(started))
    await vi.waitFor(() => expect(met.getMultiaddrs()).not.toEqual([]), soon)
    const circuit = multiaddr(`${placeOf(started)}/p2p-circuit/p2p/${met.peerId}`)
    expect((await member.dial(circuit)).remotePeer).toEqual(met.peerId)
    await expect((await node(undefined)).dial(circuit)).rejects.toThrow()
  })

  test('keeps to servers with its own key', async () => {
    const ports = [await freePort(), await freePort()]
    const [here = '', there = ''] = ports.map((port) => `http://127.0.0.1:${port}/`)
    const one = await start(KEY, ports[0], [there])
    const other = await start(KEY, ports[1], [here])
    await vi.waitFor(() => expect(one.server.snapshot().servers.connected).toBe(1), soon)
    for (const key of [undefined, newKey()]) {
      const stranger = await start(key, 0, [here])
      const complaint = expect.stringContaining('start both with the same --swarm-key')
      await vi.waitFor(() => expect(stranger.lines).toContainEqual(complaint), soon)
      expect(stranger.server.snapshot().servers).toEqual({ connected: 0, away: 1 })
    }
    expect(other.server.snapshot().servers.away).toBe(0)
  })
})
