import { anyPresence } from '@layerswarm/swarm/testing'
import './polyfill.ts'
import './web-socket-fixture.ts'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import {
  encodeMessage,
  laneTopic,
  type Presence,
  presenceTopic,
  type RequestId,
  topicRelease,
} from '@layerswarm/swarm'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Libp2p, PeerId, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { freePort } from './free-port.ts'
import { CIRCUIT_BYTES_MAX, PRESENCE_BYTES_MAX, STRIKES_MAX } from './limits.ts'
import { createPresenceGate, type PresenceGate } from './presence-gate.ts'
import { createRelay, type Relay } from './relay.ts'
import { RELAY_LIMITS, type RelayEvent } from './relay-terms.ts'

type Client = Libp2p<{ pubsub: GossipSub }>

const RELEASE = 'ab'.repeat(32)
const LANE = laneTopic(RELEASE, 0)
const PRESENCE = presenceTopic(RELEASE, 0)
const HOP = '/libp2p/circuit/relay/0.2.0/hop'
const STOP = '/libp2p/circuit/relay/0.2.0/stop'
const soon = { timeout: 10_000, interval: 20 }

const presence: Presence = anyPresence({ release: RELEASE, sequence: 1, layers: [1] })

let relay: Relay
let http: Server
let tcpPort: number
let gate: PresenceGate
let events: RelayEvent[]
const clients: Client[] = []

beforeEach(async () => {
  events = []
  gate = createPresenceGate({ onBan: (peer) => relay.disconnect(peer) })
  tcpPort = await freePort()
  const needs = {
    identity: await generateKeyPair('Ed25519'),
    swarmKey: undefined,
    allowList: undefined,
    gate,
    offers: (release: string) => release === topicRelease(RELEASE),
    listen: [`/ip4/127.0.0.1/tcp/${tcpPort}`],
    announce: [],
    limits: RELAY_LIMITS,
    version: 'test',
    diskOf: tmpdir(),
  }
  relay = await createRelay(needs, (event) => events.push(event))
  await relay.start()
  http = createServer().on('upgrade', (...upgrade) => relay.takeSocket(...upgrade, '127.0.0.1'))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(clients.splice(0).map((client) => client.stop()))
  await relay.stop()
  await new Promise((resolve) => http.close(resolve))
})

function address(transport: 'websocket' | 'tcp' = 'tcp'): Multiaddr {
  const { port } = http.address() as AddressInfo
  const place = transport === 'tcp' ? `tcp/${tcpPort}` : `tcp/${port}/ws`
  return multiaddr(`/ip4/127.0.0.1/${place}/p2p/${relay.peerId}`)
}

/** A peer that knows the relay and nobody else. */
async function join(transport: 'websocket' | 'tcp' = 'tcp'): Promise<Client> {
  const client: Client = await createLibp2p({
    addresses: { listen: ['/p2p-circuit'] },
    transports: [webSockets(), tcp(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
  })
  clients.push(client)
  await client.dial(address(transport))
  return client
}

/** Joins topics and keeps what arrives there, as `topic length` lines. */
function listen(client: Client, ...topics: string[]): string[] {
  const heard: string[] = []
  for (const topic of topics) client.services.pubsub.subscribe(topic)
  client.services.pubsub.addEventListener('message', ({ detail: { topic, data } }) => {
    heard.push(`${topic} ${data.length}`)
  })
  return heard
}

/** Waits until the relay would forward presence between these clients. */
async function meshed(...members: Client[]): Promise<void> {
  // What is published, or passed on, while a stream is only being opened reaches nobody.
  type Streams = { streamsOutbound: Map<string, unknown>; streamsInbound: Map<string, unknown> }
  const isOpen = ({ services }: Client) => {
    const { streamsOutbound, streamsInbound } = services.pubsub as GossipSub & Streams
    return streamsOutbound.has(relay.peerId) && streamsInbound.has(relay.peerId)
  }
  await vi.waitFor(() => expect(members.every(isOpen)).toBe(true), soon)
  await vi.waitFor(() => {
    for (const { services } of members) {
      const pubsub = services.pubsub as GossipSub & { getMeshPeers(topic: string): string[] }
      expect(pubsub.getMeshPeers(PRESENCE)).toEqual([relay.peerId])
    }
  }, soon)
}

/** The circuit address under which the relay introduces this client, once it holds a reservation. */
function circuitOf(client: Client): Promise<Multiaddr> {
  return vi.waitFor(() => {
    const found = client.getMultiaddrs().find((known) => String(known).includes('/p2p-circuit'))
    if (found === undefined) throw new Error('no reservation yet')
    return found
  }, soon)
}

describe('the relay as a gossip member', { timeout: 30_000 }, () => {
  test('forwards presence between peers that are not connected to each other', async () => {
    const [sender, receiver] = await Promise.all([join('websocket'), join('tcp')])
    listen(sender, PRESENCE)
    const heard = listen(receiver, PRESENCE)
    await meshed(sender, receiver)
    const bytes = encodeMessage(presence)
    await sender.services.pubsub.publish(PRESENCE, bytes)
    await vi.waitFor(() => expect(heard).toEqual([`${PRESENCE} ${bytes.length}`]), soon)
    expect(receiver.getPeers().map(String)).toEqual([relay.peerId])
    expect(gate.peers(performance.now())).toMatchObject([{ peer: sender.peerId.toString() }])
    expect(relay.snapshot().connections).toEqual({ websocket: 1, tcp: 1 })
  })

  test('speaks again to a peer whose streams of gossip have ended', async () => {
    const [sender, receiver] = await Promise.all([join(), join()])
    listen(sender, PRESENCE)
    const heard = listen(receiver, PRESENCE)
    await meshed(sender, receiver)
    // More than once: an identification that is still under way has them opened again by itself.
    for (let time = 0; time < 3; time++) {
      for (const { streams } of receiver.getConnections())
        for (const stream of streams)
          if (stream.protocol.startsWith('/meshsub')) stream.abort(new Error('it ends'))
      await meshed(receiver)
    }
    const bytes = encodeMessage(presence)
    await sender.services.pubsub.publish(PRESENCE, bytes)
    await vi.waitFor(() => expect(heard).toEqual([`${PRESENCE} ${bytes.length}`]), soon)
  })

  test('neither joins nor forwards a lane', async () => {
    const [sender, receiver] = await Promise.all([join(), join()])
    listen(sender, PRESENCE, LANE)
    const heard = listen(receiver, PRESENCE, LANE)
    await meshed(sender, receiver)
    expect(sender.services.pubsub.getSubscribers(LANE)).toEqual([])
    // The relay may be about to learn who listens: what it is given before reaches nobody and is not repeated.
    let sent = 0
    await vi.waitFor(
      async () => {
        sent++
        const request = sent.toString(16).padStart(32, '0') as RequestId
        const done = encodeMessage({ kind: 'done', isPublic: false, request })
        await sender.services.pubsub.publish(LANE, done)
        // Sent after it on the same way, so when this arrives the other would have.
        const bytes = encodeMessage({ ...presence, sequence: sent })
        await sender.services.pubsub.publish(PRESENCE, bytes)
        expect(heard).not.toEqual([])
      },
      { ...soon, interval: 250 },
    )
    expect(heard.filter((line) => !line.startsWith(PRESENCE))).toEqual([])
  })

  test('does not spread what is malformed or too long, and hangs up on who sends it', async () => {
    const [stranger, witness, receiver] = await Promise.all([join(), join(), join()])
    listen(stranger, PRESENCE)
    listen(witness, PRESENCE)
    const heard = listen(receiver, PRESENCE)
    await meshed(stranger, witness, receiver)
    const { pubsub } = stranger.services
    await pubsub.publish(PRESENCE, new Uint8Array(PRESENCE_BYTES_MAX + 1))
    for (let sent = 1; sent < STRIKES_MAX; sent += 1) {
      await pubsub.publish(PRESENCE, new Uint8Array([1, 99, sent]))
    }
    await vi.waitFor(() => expect(stranger.getConnections()).toEqual([]), soon)
    await expect(
      stranger.dial(address()).then(() => stranger.services.pubsub),
    ).resolves.toBeDefined()
    await vi.waitFor(() => expect(stranger.getConnections()).toEqual([]), soon)
    const bytes = encodeMessage(presence)
    await witness.services.pubsub.publish(PRESENCE, bytes)
    await vi.waitFor(() => expect(heard).toEqual([`${PRESENCE} ${bytes.length}`]), soon)
    expect(gate.counts.refused).toMatchObject({ oversized: 1, malformed: STRIKES_MAX - 1 })
  })

  test('hangs up on who hands over what nobody has signed', async () => {
    const liar = await join()
    listen(liar, PRESENCE)
    await meshed(liar)
    const { pubsub } = liar.services
    const forge = (number: number) => ({
      topic: PRESENCE,
      from: liar.peerId.toMultihash().bytes,
      seqno: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, number),
      data: encodeMessage(presence),
      signature: new Uint8Array(64),
    })
    const raw = pubsub as typeof pubsub & { sendRpc(peer: string, rpc: object): boolean }
    for (let number = 0; number < STRIKES_MAX; number++)
      raw.sendRpc(relay.peerId, { subscriptions: [], messages: [forge(number)] })
    await vi.waitFor(() => expect(liar.getConnections()).toEqual([]), soon)
    expect(gate.isBanned(liar.peerId.toString(), performance.now())).toBe(true)
  })

  test('forgets the presence and the reservation of a peer whose last connection drops', async () => {
    const client = await join()
    listen(client, PRESENCE)
    await circuitOf(client)
    await meshed(client)
    await client.services.pubsub.publish(PRESENCE, encodeMessage(presence))
    await vi.waitFor(() => expect(gate.peers(performance.now())).toHaveLength(1), soon)
    expect(relay.snapshot().reservations).toBe(1)
    await client.stop()
    await vi.waitFor(() => expect(gate.peers(performance.now())).toEqual([]), soon)
    expect(relay.snapshot().reservations).toBe(0)
    expect(events.map(({ type }) => type)).toEqual(['peer-connected', 'peer-disconnected'])
  })
})

describe('the relay as a go-between', { timeout: 30_000 }, () => {
  test('introduces two peers, counts what crosses, and cuts a circuit at its byte limit', async () => {
    const [caller, called] = await Promise.all([join('websocket'), join('tcp')])
    let received = 0
    await called.handle(
      '/sink',
      (stream) => {
        stream.addEventListener('message', ({ data }) => {
          received += data.byteLength
        })
      },
      { runOnLimitedConnection: true },
    )
    const connection = await caller.dial(await circuitOf(called))
    expect(connection.limits?.bytes).toBeLessThanOrEqual(BigInt(CIRCUIT_BYTES_MAX))
    const stream = await connection.newStream('/sink', { runOnLimitedConnection: true })
    expect(await pour(stream, new Uint8Array(8 * 1024), 1_000)).toBe('cut')
    expect(received).toBeGreaterThan(CIRCUIT_BYTES_MAX / 2)
    expect(received).toBeLessThanOrEqual(CIRCUIT_BYTES_MAX)
    const { traffic, circuits } = relay.snapshot()
    expect(circuits).toEqual({ granted: 1, refused: 0 })
    expect(traffic[HOP]?.received).toBeGreaterThan(received)
    expect(traffic[STOP]?.sent).toBeGreaterThan(received)
    expect(caller.getPeers().map(String)).toContain(relay.peerId)
  })

  test('measures itself with what libp2p counts, by protocol and never by peer', async () => {
    const series = async () =>
      (await relay.metrics())
        .split('\n')
        .filter((line) => /^libp2p_/.test(line))
        .map((line) => line.slice(0, line.lastIndexOf(' ')))
    const clients = [await join('websocket'), await join('tcp')]
    clients.push(await join('websocket'), await join('tcp'), await join('websocket'))
    for (const client of clients) listen(client, PRESENCE)
    for (const client of clients) await circuitOf(client)
    await meshed(...clients)
    const names = await series()
    expect(names).toContain('libp2p_data_transfer_bytes_total{protocol="/meshsub/1.2.0 sent"}')
    expect(names).toContain('libp2p_noise_xxhandshake_successes_total')
    const mentioned = /"[^"]*"/g
    const values = new Set(names.flatMap((name) => name.match(mentioned) ?? []))
    // Protocols, directions, queues and the relay's own listener; of nobody who came.
    const own = String(tcpPort)
    const strange = [...values].filter(
      (value) => /12D3|\/ip[46]\/|\d{4}/.test(value) && !value.includes(own),
    )
    expect(strange).toEqual([])
    expect(values.size).toBeLessThan(40)
  })

  test('tells nobody where it is, only who', async () => {
    const client = await join('websocket')
    await circuitOf(client)
    expect(client.getMultiaddrs().map(String)).toEqual([
      `${address('websocket')}/p2p-circuit/p2p/${client.peerId}`,
    ])
    expect(relay.addresses()).toEqual([])
    const known = await client.peerStore.get(client.getPeers()[0] as PeerId)
    const way = String(address('websocket')).replace(`/p2p/${relay.peerId}`, '')
    expect(known.addresses.map(({ multiaddr }) => String(multiaddr))).toEqual([way])
  })

  test.each([
    ['back', -2],
    ['forward', 2],
  ])(
    'lets newcomers in and passes their presence on when its clock is set %s by hours',
    async (_, hours) => {
      const before = await join()
      listen(before, PRESENCE)
      const { now } = Date
      vi.spyOn(Date, 'now').mockImplementation(() => now() + hours * 3_600_000)
      const after = await join('websocket')
      const heard = listen(after, PRESENCE)
      await circuitOf(after)
      await meshed(before, after)
      const bytes = encodeMessage(presence)
      await before.services.pubsub.publish(PRESENCE, bytes)
      await vi.waitFor(() => expect(heard).toEqual([`${PRESENCE} ${bytes.length}`]), soon)
      expect(relay.snapshot().reservations).toBe(2)
    },
  )

  test('keeps a reservation renewed twice beyond the end of the first renewal', async () => {
    const TTL_MS = 900
    await relay.stop()
    const needs = {
      identity: await generateKeyPair('Ed25519'),
      swarmKey: undefined,
      allowList: undefined,
      gate,
      offers: () => true,
      listen: [`/ip4/127.0.0.1/tcp/${tcpPort}`],
      announce: [],
      limits: { ...RELAY_LIMITS, reservationTtlMs: TTL_MS },
      version: 'test',
      diskOf: tmpdir(),
    }
    relay = await createRelay(needs, (event) => events.push(event))
    await relay.start()
    const client = await join()
    await circuitOf(client)
    await reserve(client)
    const firstRenewalMs = Date.now()
    await time(firstRenewalMs + TTL_MS / 2)
    await reserve(client)
    await time(firstRenewalMs + TTL_MS + TTL_MS / 6)
    expect(relay.snapshot().reservations).toBe(1)
    await vi.waitFor(() => expect(relay.snapshot().reservations).toBe(0), soon)
  })
})

/** Waits until the clock shows a time; what ends then has no event to wait for. */
function time(atMs: number): Promise<void> {
  return vi.waitFor(() => expect(Date.now()).toBeGreaterThan(atMs), soon)
}

/** Asks for a reservation by hand: the message RESERVE of circuit relay v2, length first. */
async function reserve(client: Client): Promise<void> {
  const stream = await client.dialProtocol(address(), HOP)
  stream.send(new Uint8Array([2, 8, 0]))
  for await (const answer of stream) {
    if (answer.byteLength > 0) return stream.abort(new Error('answered'))
  }
}

/** Sends chunks until all are sent or the stream ends. */
async function pour(stream: Stream, chunk: Uint8Array, chunks: number): Promise<'sent' | 'cut'> {
  for (let sent = 0; sent < chunks; sent += 1) {
    if (stream.writeStatus !== 'writable') return 'cut'
    stream.send(chunk)
    await new Promise(setImmediate)
  }
  return 'sent'
}
