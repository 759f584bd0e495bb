import '../node/polyfill.node.ts'
import { BAN_MS, createGate, type Gate, parseTopic, presenceTopic } from '@layerswarm/swarm'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { type NodeOptions, type SwarmNode, sharedConfig, type Ways } from '../node/libp2p-config.ts'
import { platform } from '../node/net.node.ts'
import { webSocketsBelowPaths } from '../node/web-sockets.ts'
import { RESERVATION_TTL_MS } from './limits.ts'
import { memory } from './memory-transport.ts'

/** Real libp2p nodes over loopback, for the tests of this folder. */
export const RELEASE = 'ab'.repeat(32)
/** The shape of the model that the test nodes speak of. */
export const SHAPE = Object.freeze({ layers: 64, tokens: 5, width: 8 })

/** A node and the gate that judges for it. */
export interface TestNode {
  readonly node: SwarmNode
  readonly ways: Ways
  readonly gate: Gate
  readonly privateKey: PrivateKey
}

/** What carries the connections of a test node; a Node peer listens on TCP and on WebSocket. */
export type Wire = 'node' | 'tcp' | 'websocket' | 'memory'

/** How a test node differs from a Node peer’s. */
export interface TestNodeOptions
  extends Pick<NodeOptions, 'announce' | 'port' | 'say' | 'swarmKey' | 'webrtc'> {
  over: Wire
  privateKey: PrivateKey
  /** How long whom it bans stays away. */
  banMs: number
  /** Whom it lets in and dials; everybody unless said otherwise. */
  admits: NodeOptions['admits']
  /** Who has announced itself; nobody unless said otherwise. */
  isAcquainted: NodeOptions['isAcquainted']
  /** Peer ids of bootstrap nodes. */
  forwarders: readonly string[]
  /** Reaches others, and is reached, through circuits as well. */
  relayed: boolean
}

/** A node as a Node peer makes it; with `relayed` it also speaks circuit relay, as a tab does. */
export async function createTestNode(given: Partial<TestNodeOptions> = {}): Promise<TestNode> {
  const { forwarders = [], relayed = false } = given
  const isForwarder = (peer: string) => forwarders.includes(peer)
  const gate = createGate({
    release: RELEASE,
    banMs: given.banMs ?? BAN_MS,
    blames: (source) => !isForwarder(source),
  })
  const privateKey = given.privateKey ?? (await generateKeyPair('Ed25519'))
  const options = {
    privateKey,
    swarmKey: given.swarmKey,
    release: RELEASE,
    isBanned: (peer: string) => gate.isBanned(peer, performance.now()),
    admits: given.admits ?? (() => true),
    isForwarder,
    isAcquainted: given.isAcquainted ?? (() => false),
    host: '127.0.0.1',
    port: given.port,
    announce: given.announce ?? [],
    webrtc: given.webrtc ?? false,
    iceServers: [],
    say: given.say ?? (() => undefined),
  }
  const over = relayed ? 'relay' : (given.over ?? 'node')
  if (over === 'node') return { ...(await platform.createNode(options)), gate, privateKey }
  const node = await createLibp2p({ ...sharedConfig(options), ...carriers(over) })
  return { node, ways: PLAIN, gate, privateKey }
}

const PLAIN: Ways = { reservation: 'none', canDial: (address) => !address.includes('/p2p-circuit') }

let places = 0

function carriers(over: Exclude<Wire, 'node'> | 'relay') {
  switch (over) {
    case 'relay':
      return {
        addresses: { listen: ['/p2p-circuit'] },
        transports: [tcp(), webSocketsBelowPaths(), circuitRelayTransport()],
      }
    case 'tcp':
      return { addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()] }
    case 'websocket':
      return {
        addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
        transports: [webSocketsBelowPaths()],
      }
    case 'memory':
      return { addresses: { listen: [`/memory/${++places}`] }, transports: [memory()] }
    default:
      return over satisfies never
  }
}

/** Starts what takes a port again: one that was just closed may be refused for some milliseconds. @throws what `start` throws at last. */
export async function eventuallyStarted<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await start()
    } catch (error) {
      if (attempt > 40) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** A bootstrap node: relay for circuits, member of the presence topics that others follow. */
export function createTestBootstrap(
  privateKey: PrivateKey,
  port = 0,
  reservationTtlMs = RESERVATION_TTL_MS,
): Promise<Libp2p> {
  return createLibp2p({
    privateKey,
    addresses: { listen: [`/ip4/127.0.0.1/tcp/${port}`] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1_000, maxIncomingPendingConnections: 100 },
    services: {
      identify: identify(),
      ping: ping(),
      relay: circuitRelayServer({
        reservations: { maxReservations: 100, reservationTtl: reservationTtlMs },
      }),
      pubsub: gossipsub({
        allowPublishToZeroTopicPeers: true,
        scoreParams: { IPColocationFactorWeight: 0 },
      }),
    },
  }).then((node) => {
    const { pubsub } = node.services
    pubsub.subscribe(presenceTopic(RELEASE, 0))
    pubsub.addEventListener('subscription-change', ({ detail: { subscriptions } }) => {
      for (const { topic } of subscriptions)
        if (parseTopic(topic)?.carries === 'presence') pubsub.subscribe(topic)
    })
    return node
  })
}

/** The own addresses of a node as text. */
export function addressesOf(node: Pick<Libp2p, 'getMultiaddrs'>): string[] {
  return node.getMultiaddrs().map((address) => address.toString())
}

/** Looks every 5 ms until `condition` gives a value. @throws Error naming `what` after `ms`. */
export async function eventually<T>(
  what: string,
  condition: () => T | undefined | false,
  ms = 8_000,
): Promise<T> {
  const untilMs = performance.now() + ms
  for (;;) {
    const value = condition()
    if (value !== undefined && value !== false) return value
    if (performance.now() > untilMs) throw new Error(`${what} did not happen within ${ms} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
