import {
  boundFrames,
  GOSSIP_DEGREE,
  GOSSIP_FLOOD_PUBLISH,
  GOSSIP_HEARTBEAT_MS,
  GOSSIP_RPC_PARTS_MAX,
  gossipNumber,
  LANES_MAX,
  laneTopic,
  presenceTopic,
  STREAM_WINDOW_BYTES_MAX,
  type SwarmKey,
} from '@layerswarm/swarm'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { createTopicScoreParams } from '@libp2p/gossipsub/score'
import { type Identify, type IdentifyPush, identify, identifyPush } from '@libp2p/identify'
import type { Libp2p, PeerId, PrivateKey } from '@libp2p/interface'
import { type Ping, ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions } from 'libp2p'
import type { WatchLife } from '../life/life.ts'
import {
  CONNECTIONS_OPEN_MAX,
  DIAL_TIMEOUT_MS,
  DIALS_UNDER_WAY_MAX,
  GOSSIP_RPC_BYTES_MAX,
  GOSSIP_SCORE_KEPT_MS,
  GOSSIP_SEEN_MS,
  GOSSIP_UNSENT_BYTES_MAX,
  IDENTIFY_TIMEOUT_MS,
  INBOUND_PENDING_TOTAL_MAX,
  INBOUND_PER_HOST_PER_SECOND_MAX,
  PING_AVERAGE_MS,
  PING_INTERVAL_MS,
  PING_STREAMS_MAX,
  PING_TIMEOUT_MS,
  RELAY_DIAL_TIMEOUT_MS_MAX,
} from '../limits.ts'
import type { DeviceFacts } from './device.ts'
import { memberNoise } from './membership.ts'

/** What every libp2p node of a swarm runs. */
export type Services = {
  identify: Identify
  identifyPush: IdentifyPush
  ping: Ping
  pubsub: GossipSub
  circuits: CircuitPlaces
}

/** Reservations that a node asks for: one for each bootstrap node. */
export interface CircuitPlaces {
  /** Asks for one more, at whichever bootstrap node it is connected to and has none. */
  add(): Promise<void>
}

/** A listener on the bare address takes one reservation, and another one when that is lost. */
function circuitPlaces({ transportManager }: { transportManager: Listening }): CircuitPlaces {
  return { add: () => transportManager.listen([multiaddr('/p2p-circuit')]) }
}

/** What is used of libp2p's transport manager. */
interface Listening {
  listen(addresses: Multiaddr[]): Promise<void>
}

/** A libp2p node with the services of a swarm. */
export type SwarmNode = Libp2p<Services>

/** What a node is made of, and whom it keeps away. */
export interface NodeOptions {
  privateKey: PrivateKey
  /** It connects to members of this private swarm only; undefined where everybody may come. */
  swarmKey: SwarmKey | undefined
  /** Hash of the manifest, hex: only messages in the topics of its lanes are taken, all others are dropped unread. */
  release: string
  /** Peers that are neither dialled nor let in. */
  isBanned(peer: string): boolean
  /** Whether a peer is on this peer's list, if it has one; says so where it is not. */
  admits(peer: string): boolean
  /** Peers that forward what others say without checking it, the bootstrap nodes: never scored down. */
  isForwarder(peer: string): boolean
  /** Whether a peer has announced itself in this peer's lane: it would be dialled from here. */
  isAcquainted(peer: string): boolean
  /** Node only: the address that is listened on; undefined for none. */
  host: string | undefined
  /** Node only: the port on which it takes WebSockets and nothing else; undefined for TCP and WebSocket on free ones. */
  port: number | undefined
  /** Node only: multiaddrs that are told to others in place of those that it listens on; none for these. */
  announce: readonly string[]
  /** Node only: whether it speaks WebRTC, by way of a relay. A tab always does. */
  webrtc: boolean
  /** STUN and TURN servers for WebRTC; none are asked unless configured. */
  iceServers: readonly RTCIceServer[]
  /** Takes a line for people about what does not work as they might think. */
  say(line: string): void
}

/** How a node and others come together. */
export interface Ways {
  /** A reservation on a relay: nobody can reach this peer without it, some cannot, or it has none. */
  readonly reservation: 'needed' | 'wanted' | 'none'
  /** Whether there is a transport for an address of another peer, in its text form. */
  canDial(address: string): boolean
}

/** A node that runs. */
export interface OpenedNode {
  readonly node: SwarmNode
  readonly ways: Ways
  /** Stops the node, and gives back what its transports hold. */
  stop(): Promise<void>
}

/** What is specific to a platform; one implementation per environment, chosen as `#net`. */
export interface Platform {
  /**
   * Makes and starts a libp2p node.
   * @throws PeerError `cannot-listen`; what libp2p throws when it does not start otherwise.
   */
  createNode(options: NodeOptions): Promise<OpenedNode>
  /** Tells what happens to the page or the machine. */
  readonly watchLife: WatchLife
  /** What this device tells of itself. */
  deviceFacts(): DeviceFacts
  /** RTCPeerConnections that were made since the page was loaded; 0 where there are none. */
  peerConnectionsMade(): number
}

/**
 * The mesh of one lane. Every publish floods to all direct connections, so a step is one hop away
 * for everybody; the mesh serves those who are not connected to its author. Copies received per
 * message and p99, ten peers that all know each other: 3.3 with this mesh, 5.0 with D = 3, 6.3 with
 * the default D = 6; thirty peers with 8 connections each: 1.8 and 135 ms, and 1.5 and 820 ms when
 * `Dlo` is 1 (the rest comes with the next heartbeat).
 */
const MESH = {
  D: GOSSIP_DEGREE,
  Dlo: GOSSIP_DEGREE,
  Dhi: 2 * GOSSIP_DEGREE,
  Dscore: 1,
  Dout: 0,
  Dlazy: 3,
  // "I have this" goes to three others once, with the next heartbeat; by default to a quarter of all, three
  // times, which for presence alone was 0.4 kB/s of each idle member of a lane of 24.
  gossipFactor: 0,
  mcacheGossip: 1,
  floodPublish: GOSSIP_FLOOD_PUBLISH,
} as const

/** "I have it already" costs one write per message and saves a few kB; on this mesh it never paid. */
const IDONTWANT_NEVER = Number.MAX_SAFE_INTEGER

/**
 * Only provably bad messages count against a neighbour. Address colocation is off: relayed peers
 * and a household share one address, and above ten the default silences them all. Delivery quotas
 * are off: a lane may be silent for hours.
 */
function scoreParams(options: NodeOptions) {
  const lane = createTopicScoreParams({
    topicWeight: 1,
    timeInMeshWeight: 0,
    firstMessageDeliveriesWeight: 0,
    meshMessageDeliveriesWeight: 0,
    meshFailurePenaltyWeight: 0,
    // Squared: six forged messages within seconds cross the graylist threshold of -80.
    invalidMessageDeliveriesWeight: -3,
    invalidMessageDeliveriesDecay: 0.9,
  })
  return {
    IPColocationFactorWeight: 0,
    behaviourPenaltyWeight: 0,
    retainScore: GOSSIP_SCORE_KEPT_MS,
    appSpecificScore: (peer: string) => (options.isForwarder(peer) ? 1_000 : 0),
    topics: Object.fromEntries(lanes.map((number) => [laneTopic(options.release, number), lane])),
  }
}

const lanes = Array.from({ length: LANES_MAX }, (_, lane) => lane)

/** Every topic of a release. */
export function topicsOf(release: string): string[] {
  return lanes.flatMap((lane) => [presenceTopic(release, lane), laneTopic(release, lane)])
}

/** The options that both platforms share. */
export function sharedConfig(options: NodeOptions): Libp2pOptions<Services> {
  const { privateKey, release } = options
  const banned = (peer: PeerId) =>
    options.isBanned(peer.toString()) || !options.admits(peer.toString())
  return {
    privateKey,
    connectionEncrypters: [memberNoise(options.swarmKey)],
    streamMuxers: [
      boundFrames(yamux({ streamOptions: { maxStreamWindowSize: STREAM_WINDOW_BYTES_MAX } }), () =>
        performance.now(),
      ),
    ],
    connectionGater: {
      // The browser's default refuses ws:// and private addresses; a swarm may live on one machine.
      denyDialMultiaddr: () => false,
      denyDialPeer: banned,
      denyInboundEncryptedConnection: banned,
      // An address without a peer id, and a connection that was being made when its peer was banned.
      denyOutboundEncryptedConnection: banned,
      denyInboundUpgradedConnection: banned,
      denyOutboundUpgradedConnection: banned,
    },
    connectionManager: {
      maxConnections: CONNECTIONS_OPEN_MAX,
      maxParallelDials: DIALS_UNDER_WAY_MAX,
      dialTimeout: DIAL_TIMEOUT_MS,
      // Each dial brings a time of its own; that of a server is the longest.
      addressDialTimeout: RELAY_DIAL_TIMEOUT_MS_MAX,
      inboundUpgradeTimeout: DIAL_TIMEOUT_MS,
      // Counted per remote host, and every relayed connection comes from the relay's.
      inboundConnectionThreshold: INBOUND_PER_HOST_PER_SECOND_MAX,
      maxIncomingPendingConnections: INBOUND_PENDING_TOTAL_MAX,
    },
    // A busy main thread misses pings: dropping the connection for it loses a peer that is fine.
    connectionMonitor: {
      pingInterval: PING_INTERVAL_MS,
      pingTimeout: {
        minTimeout: PING_TIMEOUT_MS,
        maxTimeout: PING_TIMEOUT_MS,
        interval: PING_AVERAGE_MS,
      },
      abortConnectionOnPingFailure: false,
    },
    services: {
      identify: identify({ timeout: IDENTIFY_TIMEOUT_MS }),
      identifyPush: identifyPush(),
      circuits: circuitPlaces,
      ping: ping({ maxInboundStreams: PING_STREAMS_MAX, maxOutboundStreams: PING_STREAMS_MAX }),
      pubsub: gossipsub({
        ...MESH,
        idontwantMinDataSize: IDONTWANT_NEVER,
        // One encoding for all the peers that a message floods to.
        batchPublish: true,
        heartbeatInterval: GOSSIP_HEARTBEAT_MS,
        seenTTL: GOSSIP_SEEN_MS,
        globalSignaturePolicy: 'StrictSign',
        allowPublishToZeroTopicPeers: true,
        allowedTopics: topicsOf(release),
        runOnLimitedConnection: false,
        maxInboundDataLength: GOSSIP_RPC_BYTES_MAX,
        maxOutboundBufferSize: GOSSIP_UNSENT_BYTES_MAX,
        decodeRpcLimits: GOSSIP_RPC_PARTS_MAX,
        scoreParams: scoreParams(options),
        // Duplicates are recognised before their signature is verified again. An entry is made only
        // after a first copy passed, so nobody can block a message by forging its number.
        fastMsgIdFn: gossipNumber,
      }),
    },
  }
}
