import './polyfill.ts'
import {
  type Admission,
  type AllowList,
  askBeforeChecking,
  boundFrames,
  boundRpcs,
  createBacklog,
  createGuests,
  createTurns,
  GOSSIP_RPC_PARTS_MAX,
  type Guests,
  gossipNumber,
  keepSpeaking,
  type Receiving,
  type RpcBounds,
  type RpcReceiving,
  type Speaking,
  STREAM_WINDOW_BYTES_MAX,
  type SwarmKey,
  swarmPrologue,
} from '@layerswarm/swarm'
import { type CircuitRelayService, circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { identify, identifyPush } from '@libp2p/identify'
import type { Connection, ConnectionGater, Libp2p, PeerId, PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { getNetConfig, isNetworkAddress } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { createCensus } from './census.ts'
import { createDeparted } from './departed.ts'
import { createGater } from './gater.ts'
import { createGossipClock } from './gossip-clock.ts'
import * as limits from './limits.ts'
import type { PeeringLink } from './peering/peering.ts'
import type { PresenceGate } from './presence-gate.ts'
import { createPresenceTopics, type PresenceTopicsNeeds } from './presence-topics.ts'
import type { RelayEvent, RelayLimits, RelaySnapshot } from './relay-terms.ts'
import { reservationsOf } from './reservations.ts'
import { createTraffic, type Traffic } from './traffic.ts'
import { boundTransport, boundUpgrader } from './websocket/bounded-upgrader.ts'
import {
  type EntryComponents,
  type UpgradeHandler,
  WebSocketEntry,
} from './websocket/websocket-entry.ts'

/** What a relay is made of. */
export interface RelayNeeds {
  readonly identity: PrivateKey
  /** It connects to members of this private swarm only; undefined where everybody may come. */
  readonly swarmKey: SwarmKey | undefined
  /** Who is let in, beside the other servers; undefined where everybody may come. */
  readonly allowList: AllowList | undefined
  readonly gate: PresenceGate
  /** Whether a release, as topics name it, is on offer here: the presence of its lanes is forwarded. */
  offers(release: string): boolean
  /** TCP multiaddrs to listen on; WebSockets come through `takeSocket`. */
  readonly listen: readonly string[]
  /** Multiaddrs to tell others. None but these: a peer knows the way by which it came. */
  readonly announce: readonly string[]
  readonly limits: RelayLimits
  readonly version: string
  /** A folder on the disk of which the metrics tell how full it is. */
  readonly diskOf: string
}

/** The libp2p half of the server: introduces peers, forwards presence, and carries nothing else. */
export interface Relay {
  readonly peerId: string
  start(): Promise<void>
  stop(): Promise<void>
  isStarted(): boolean
  /** The IP address of a peer's newest connection; undefined for one that is not connected. */
  addressOf(peer: string): string | undefined
  /** Those announced. @throws Error when one of them is no multiaddr. */
  addresses(): string[]
  /** Takes a WebSocket that came to the HTTP server. */
  readonly takeSocket: UpgradeHandler
  /** Ends all connections of a peer at once. */
  disconnect(peer: string): void
  /** How other servers of the swarm are met. */
  readonly link: PeeringLink
  snapshot(): RelaySnapshot
  /** What libp2p measures of itself, in Prometheus' text format. */
  metrics(): Promise<string>
}

/**
 * Makes a relay that does not listen yet.
 * @param emit told about every peer that comes and goes.
 * @throws Error what libp2p throws when it cannot be made.
 */
export async function createRelay(
  needs: RelayNeeds,
  emit: (event: RelayEvent) => void,
): Promise<Relay> {
  const traffic = createTraffic(needs.diskOf)
  const circuits = { granted: 0, refused: 0 }
  const census = createCensus()
  const release = (peer: PeerId) => reservations.release(peer)
  const isFull = (network: string) =>
    census.count(reservations.peers(), network) >= limits.RESERVATIONS_PER_ADDRESS_MAX
  const refused = (peer: string) => emit({ type: 'peer-refused', peer })
  const isServer = (peer: string) => servers.has(peer)
  const guests = createGuests({ allowList: needs.allowList, isServer, refused })
  const { admits } = guests
  const gater = createGater({ gate: needs.gate, admits, census, circuits, release, isFull })
  const node = await createNode(needs, traffic.metrics, gater)
  const { entry } = node.services
  const reservations = reservationsOf(node.services.relay)
  const { gate, offers } = needs
  const servers = directPeersOf(node)
  const { networkOf } = census
  const topics = createPresenceTopics(node.services.pubsub, { gate, offers, isServer, networkOf })
  watchDoor(node, { gate, isServer, networkOf })
  keepSpeaking(node.services.pubsub as GossipSub & Speaking<Connection>, (peer) =>
    openConnection(node, peer),
  )
  const departed = createDeparted(node)
  const clock = createGossipClock(node.services.pubsub, limits.SCORE_KEPT_MS)
  let sweeping: NodeJS.Timeout | undefined
  let unfollow = () => {}

  node.addEventListener('connection:open', ({ detail }) => census.opened(detail))
  node.addEventListener('connection:close', ({ detail }) => census.closed(detail))
  node.addEventListener('peer:connect', ({ detail }) => {
    emit({ type: 'peer-connected', peer: detail.toString() })
  })
  node.addEventListener('peer:disconnect', ({ detail }) => {
    release(detail)
    needs.gate.forget(detail.toString())
    departed.add(detail)
    emit({ type: 'peer-disconnected', peer: detail.toString() })
  })

  return {
    peerId: node.peerId.toString(),
    async start() {
      await node.start()
      topics.start()
      unfollow = expelFrom(node, guests)
      sweeping = setInterval(() => {
        topics.sweep(performance.now())
        departed.sweep()
        clock.look()
      }, limits.SWEEP_INTERVAL_MS)
    },
    async stop() {
      clearInterval(sweeping)
      unfollow()
      topics.stop()
      reservations.stop()
      const cut = setTimeout(() => entry.close(), limits.STOP_GRACE_MS)
      await node.stop()
      clearTimeout(cut)
      entry.close()
    },
    isStarted: () => node.status === 'started',
    addressOf: (peer) => addressOf(node, peer),
    takeSocket: entry.take,
    link: linkOf(node),
    addresses: () => node.getMultiaddrs().map(String),
    disconnect: (peer) => cutOff(node, peer),
    snapshot() {
      const { size: reserved } = reservations
      return {
        ...countsOf(node, traffic),
        reservations: reserved,
        presenceTopics: topics.size,
        circuits: { ...circuits },
      }
    },
    metrics: () => traffic.libp2p.metrics(),
  }
}

function countsOf(
  node: RelayNode,
  { byProtocol }: Traffic,
): Pick<RelaySnapshot, 'connections' | 'traffic'> {
  const connections = node.getConnections()
  const websocket = connections.filter((c) => String(c.remoteAddr).includes('/ws')).length
  return {
    connections: { websocket, tcp: connections.length - websocket },
    traffic: Object.fromEntries(
      [...byProtocol].map(([protocol, counts]) => [protocol, { ...counts }]),
    ),
  }
}

function addressOf(node: RelayNode, peer: string): string | undefined {
  const place = node.getConnections().findLast(({ remotePeer }) => remotePeer.toString() === peer)
  const isSomewhere = place !== undefined && isNetworkAddress(place.remoteAddr)
  return isSomewhere ? getNetConfig(place.remoteAddr).host : undefined
}

function openConnection(node: RelayNode, peer: string): Connection | undefined {
  return node
    .getConnections()
    .findLast(({ remotePeer, status }) => status === 'open' && remotePeer.toString() === peer)
}

function expelFrom(node: RelayNode, guests: Guests): () => void {
  return guests.expel(
    () => node.getPeers().map(String),
    (peer) => cutOff(node, peer),
  )
}

/** At once: a polite close waits for what was sent to be read, and may wait for ever. */
function cutOff(node: RelayNode, peer: string): void {
  for (const connection of node.getConnections())
    if (connection.remotePeer.toString() === peer)
      connection.abort(new Error('it is not heard any more'))
}

type RelayNode = Libp2p<{
  relay: CircuitRelayService
  pubsub: GossipSub
  entry: WebSocketEntry
}>

/** Gossip's "direct peers" (its specification, v1.1), to whom it forwards whatever the mesh. */
function directPeersOf({ services: { pubsub } }: RelayNode): Set<string> {
  // Its interface leaves the set out, which is there to be read and written.
  return (pubsub as GossipSub & { readonly direct: Set<string> }).direct
}

function linkOf(node: RelayNode): PeeringLink {
  const { entry } = node.services
  const servers = directPeersOf(node)
  return {
    peerId: node.peerId.toString(),
    setServer(peer, isServer) {
      if (isServer) servers.add(peer)
      else servers.delete(peer)
    },
    reach(url, peer, signal) {
      const place = new URL('ws', url)
      place.protocol = place.protocol.replace('http', 'ws')
      return entry.reach(place, peer, signal)
    },
    isConnected: (peer) =>
      node
        .getConnections()
        .some(({ remotePeer, status }) => status === 'open' && remotePeer.toString() === peer),
  }
}

function createNode(
  { identity, swarmKey, listen, announce, limits: bounds, version }: RelayNeeds,
  metrics: Traffic['metrics'],
  connectionGater: ConnectionGater,
): Promise<RelayNode> {
  const backlog = createBacklog(limits.CONNECTIONS_PENDING_MAX)
  return createLibp2p({
    start: false,
    privateKey: identity,
    nodeInfo: {
      name: 'layerswarm-signaling',
      version,
      userAgent: `layerswarm-signaling/${version}`,
    },
    addresses: {
      listen: [...listen],
      announce: [...announce],
      // Whoever connects knows the way by which it came, and libp2p's clients reserve at that.
      announceFilter: (addresses) => (announce.length === 0 ? [] : addresses),
    },
    metrics,
    transports: [boundTransport(tcp(), backlog)],
    // Between a member and anybody else the handshake fails: docs/decisions/0028.
    connectionEncrypters: [noise({ prologueBytes: swarmPrologue(swarmKey) })],
    streamMuxers: [
      boundFrames(
        yamux({
          maxInboundStreams: limits.STREAMS_PER_CONNECTION_MAX,
          streamOptions: { maxStreamWindowSize: STREAM_WINDOW_BYTES_MAX },
        }),
        () => performance.now(),
      ),
    ],
    connectionGater,
    connectionManager: {
      maxConnections: limits.CONNECTIONS_MAX,
      inboundConnectionThreshold: limits.CONNECTIONS_PER_HOST_PER_SECOND,
      inboundUpgradeTimeout: limits.HANDSHAKE_MS_MAX,
      maxIncomingPendingConnections: limits.CONNECTIONS_PENDING_TOTAL_MAX,
    },
    connectionMonitor: {
      pingInterval: limits.PING_INTERVAL_MS,
      pingTimeout: {
        minTimeout: limits.PING_TIMEOUT_MS,
        maxTimeout: limits.PING_TIMEOUT_MS,
        interval: limits.PING_AVERAGE_MS,
      },
    },
    services: {
      identify: identify({ timeout: limits.HANDSHAKE_MS_MAX }),
      identifyPush: identifyPush(),
      ping: ping(),
      relay: circuitRelayServer({
        maxInboundHopStreams: limits.HOP_STREAMS_MAX,
        maxOutboundStopStreams: limits.STOP_STREAMS_MAX,
        reservations: {
          maxReservations: bounds.reservations,
          reservationTtl: bounds.reservationTtlMs,
          defaultDataLimit: BigInt(bounds.circuitBytes),
          defaultDurationLimit: bounds.circuitMs,
        },
      }),
      entry: ({ logger, upgrader }: EntryComponents) =>
        new WebSocketEntry({ logger, upgrader: boundUpgrader(upgrader, backlog) }),
      pubsub: createGossip(),
    },
  })
}

/** Asks the gate before the signature of a message is checked, and before gossip heeds what is no message. */
function watchDoor(
  { services: { pubsub } }: RelayNode,
  { gate, isServer, networkOf }: Pick<PresenceTopicsNeeds, 'gate' | 'isServer' | 'networkOf'>,
): void {
  const nowMs = () => performance.now()
  const whenceOf = (source: string) => ({
    source,
    isServer: isServer(source),
    network: networkOf(source),
  })
  const admission: Admission & RpcBounds = {
    admits: (source, { data }, author) =>
      gate.admits({ ...whenceOf(source), author, bytes: data?.length ?? 0 }, nowMs()),
    isPlain: () => true,
    isBanned: (neighbour) => gate.isBanned(neighbour, nowMs()),
    heeds: (source, parts) => gate.heeds(whenceOf(source), parts, nowMs()),
    blame: (neighbour) => gate.blame(neighbour, nowMs()),
  }
  const turns = createTurns({ nowMs, afterTurn: setImmediate })
  askBeforeChecking(pubsub as typeof pubsub & Receiving, admission, turns)
  boundRpcs(pubsub as typeof pubsub & RpcReceiving, admission)
}

/** A member of presence topics and of no other: it neither hears nor forwards the steps of a lane. */
function createGossip() {
  return gossipsub({
    ...limits.MESH_PEERS,
    // Peering connects to other servers again: gossip itself may dial nobody.
    directConnectTicks: Number.MAX_SAFE_INTEGER,
    // Duplicates are recognised before their signature is verified again.
    fastMsgIdFn: gossipNumber,
    maxTopicBytesPerPeer: limits.TOPIC_BYTES_PER_PEER_MAX,
    allowPublishToZeroTopicPeers: true,
    maxInboundDataLength: limits.GOSSIP_RPC_BYTES_MAX,
    maxOutboundBufferSize: limits.GOSSIP_UNSENT_BYTES_MAX,
    decodeRpcLimits: {
      ...GOSSIP_RPC_PARTS_MAX,
      maxMessages: limits.GOSSIP_RPC_MESSAGES_MAX,
      maxControlMessages: limits.GOSSIP_RPC_CONTROLS_MAX,
    },
    // All tabs of a household, and all relayed peers, share one address.
    scoreParams: { IPColocationFactorWeight: 0, retainScore: limits.SCORE_KEPT_MS },
  })
}
