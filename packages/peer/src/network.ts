import {
  fileDistanceOf,
  filesOf,
  keepsOrder,
  type Manifest,
  type Sha256,
  tokensOf,
} from '@layerswarm/model'
import {
  createGate,
  createGuests,
  type IceServer,
  type Member,
  type ModelShape,
  type SwarmKey,
} from '@layerswarm/swarm'
import { createBlobCache } from '#cache'
import { openIdentity } from '#identity'
import { platform } from '#net'
import type { Opened } from './closers.ts'
import { watchGossipClock } from './gossip/gossip-clock.ts'
import { createLaneTransport, type LaneTransport } from './gossip/lane-transport.ts'
import { CLOSE_TIMEOUT_MS } from './limits.ts'
import { announcedAddress } from './meeting/announced-address.ts'
import { createGoodbyes, type Goodbyes } from './meeting/goodbyes.ts'
import { createIntroductions } from './meeting/introductions.ts'
import { forgetDeparted } from './node/departed.ts'
import type { SwarmNode } from './node/libp2p-config.ts'
import { describeConnections, hangUp } from './node/peer-connections.ts'
import type { PeerOptions } from './options.ts'
import { createRelayKeepers, type RelayKeepers } from './servers/relay-keepers.ts'
import type { ServerChange } from './servers/server-state.ts'
import type { Servers } from './servers/servers.ts'
import { httpFetchers } from './store/http.ts'
import { chooseLayerFiles, type LayerFilesChoice, layersHosted } from './store/layer-file-choice.ts'
import { type BlobCache, createLayerStore, type LayerStore } from './store/layer-store.ts'
import { createLayerStreams, type LayerStreams } from './streams/layer-streams.ts'
import { createRoundTrips } from './streams/round-trips.ts'
import { createTensorStreams, type TensorStreams } from './streams/tensor-streams.ts'

/** The swarm that is joined: by which servers, and which release. */
export interface Joined {
  readonly servers: Servers
  /** Undefined in a swarm that is open to all. */
  readonly swarmKey: SwarmKey | undefined
  /** Hash of the manifest of the release whose lanes it is in. */
  readonly release: Sha256
  /** And of that of its own, where that is another; undefined where it is not. */
  readonly weights: Sha256 | undefined
  /** Of its own release. */
  readonly manifest: Manifest
  /** STUN and TURN servers that the swarm's host names. */
  readonly iceServers: readonly IceServer[]
  /** The lane in which it begins. */
  readonly lane: number
  /** Told what becomes of the servers. */
  serverChanged(change: ServerChange): void
  /** Told of a peer that wanted a connection and is not on this peer's list. */
  peerRefused(peer: string): void
}

/** Everything between a member and the wire. */
export interface Network {
  readonly node: SwarmNode
  /** Whether the next session will have the same peer id. */
  readonly hasKeptIdentity: boolean
  readonly store: LayerStore
  readonly transport: LaneTransport
  readonly tensors: TensorStreams
  readonly layers: LayerStreams
  readonly keeper: RelayKeepers
  readonly goodbyes: Goodbyes
  /** Which files of its layers are loaded. */
  readonly layerFiles: LayerFilesChoice
  /** Filled in once there is a member: where to ask for layers is known from presence. */
  readonly link: { member: Member | undefined }
}

/**
 * Opens a node and all that speaks through it; connects to nobody yet.
 * @param opened where each part is kept to be closed, in the order of opening.
 * @param say takes a line about what does not work as people might think.
 * @throws PeerError `bad-identity` or `cannot-listen`, the signal's reason when it aborts, or what libp2p
 * throws when it does not start otherwise.
 */
export async function openNetwork(
  options: PeerOptions,
  joined: Joined,
  signal: AbortSignal,
  opened: Opened,
  say: (line: string) => void,
): Promise<Network> {
  const { servers, swarmKey, release, manifest, iceServers, lane } = joined
  const identity = await openIdentity(options.dataDir)
  await opened.add(() => identity.release())
  const isForwarder = (peer: string) => keeper.isBootstrap(peer)
  // A bootstrap node may know other rules, and a peer that loses it is alone: it is never blamed.
  const gate = createGate({ release, blames: (source) => !isForwarder(source) })
  const { allowList } = options
  const guests = createGuests({ allowList, isServer: isForwarder, refused: joined.peerRefused })
  const { node, ways, stop } = await platform.createNode({
    ...{ privateKey: identity.privateKey, swarmKey, release, isForwarder, say },
    ...{ host: options.host, port: options.port, webrtc: options.webrtc },
    isBanned: (peer) => gate.isBanned(peer, performance.now()),
    admits: guests.admits,
    isAcquainted: (peer) => introductions.isAcquainted(peer),
    announce: options.announce.map((address) => announcedAddress(address)),
    iceServers: options.iceServers.length > 0 ? options.iceServers : iceServers,
  })
  await opened.add(stop)
  const hangUpOn = (peer: string) => hangUp(node, peer, CLOSE_TIMEOUT_MS)
  await opened.add(guests.expel(() => node.getPeers().map(String), hangUpOn))
  await opened.add(forgetDeparted(node))
  await opened.add(watchGossipClock(node.services.pubsub))
  const keeper: RelayKeepers = createRelayKeepers({
    ...{ node, ways, servers, release, swarmKey },
    changed: joined.serverChanged,
  })
  const gone = (peer: string) => transport.reportGone(peer)
  const introductions = createIntroductions({ node, ways, isForwarder, gone })
  const roundTrips = createRoundTrips(node)
  const tensors = createTensorStreams(node, {
    reach: (peer, bounded) => introductions.reach(peer, bounded),
    rttMs: roundTrips.ms,
  })
  const transport = createLaneTransport(
    {
      node,
      privateKey: identity.privateKey,
      tensors,
      gate,
      roundTrips,
      isForwarder,
      countLanes: async (bounded) => {
        const { bootstrap } = await servers.readAny(bounded)
        return bootstrap.releases.find(({ id }) => id === release)?.lanes
      },
      entered: () => introductions.laneEntered(),
    },
    { release, shape: shapeOf(manifest), lane },
  )
  const goodbyes = createGoodbyes(node, (peer) => {
    gone(peer)
    introductions.departed(peer)
  })
  const link: Network['link'] = { member: undefined }
  const candidates = (sha256: Sha256) => layerHosts(node, joined, link.member, sha256)
  // The two need each other: files come from peers, and what has come is given to peers.
  const layers = createLayerStreams({ node, held: (sha256) => store.held(sha256), candidates })
  const cache = await createBlobCache(options.dataDir)
  await opened.add(() => cache.close())
  const urls = () => servers.urls
  const { store, layerFiles } = openStore(options, { manifest, cache, layers, urls })
  for (const part of [roundTrips, tensors, layers, goodbyes]) {
    await opened.add(() => part.stop())
    await part.start()
  }
  transport.listen({
    messageArrived(from, message) {
      if (message.kind !== 'presence' || message.release !== release) return
      if (message.lane === transport.lane) introductions.announced(from, message)
    },
    peerDisconnected: () => undefined,
  })
  await transport.start()
  await opened.add(() => transport.stop())
  introductions.start()
  await opened.add(() => introductions.stop())
  await opened.add(() => keeper.stop())
  signal.throwIfAborted()
  return {
    ...{ node, store, layerFiles, transport, tensors, layers, keeper },
    ...{ goodbyes, link, hasKeptIdentity: identity.persistent },
  }
}

/** What the files of a release come from. */
interface Sources {
  readonly manifest: Manifest
  readonly cache: BlobCache
  readonly layers: Pick<LayerStreams, 'fetch'>
  readonly urls: () => readonly URL[]
}

/** The files of a release, of its layers those that suit this device. */
function openStore(
  options: PeerOptions,
  { manifest, cache, layers, urls }: Sources,
): Pick<Network, 'store' | 'layerFiles'> {
  const { layerFiles: wanted, engine } = options
  const device = platform.deviceFacts()
  const hosted = layersHosted(options)
  const layerFiles = chooseLayerFiles({ wanted, engine, layers: hosted, manifest, device })
  const fetchers = [{ name: 'peers' as const, fetch: layers.fetch }, httpFetchers(urls, cache)]
  const store = createLayerStore({ manifest, layerDtype: layerFiles.dtype, cache, fetchers })
  return { store, layerFiles }
}

/** What a member must know of a model: counts of layers, of tokens and of numbers per token, and what its files do. */
export function shapeOf(manifest: Pick<Manifest, 'spec' | 'layerFiles'>): ModelShape {
  const { spec } = manifest
  const { layers, width } = spec
  const fileDistance = fileDistanceOf(manifest)
  return { layers, tokens: tokensOf(spec), width, keepsOrder: keepsOrder(spec), fileDistance }
}

/** Directly connected peers of the same release that host a part; a stem or head may be with anybody. */
function layerHosts(
  node: SwarmNode,
  { manifest, weights }: Pick<Joined, 'manifest' | 'weights'>,
  member: Member | undefined,
  sha256: Sha256,
): string[] {
  const layer = filesOf(manifest).find((file) => file.sha256 === sha256)?.part
  const connections = describeConnections(node)
  return (member?.snapshot().peers ?? [])
    .filter((one) => one.weights === weights)
    .filter(({ layers }) => typeof layer !== 'number' || layers.includes(layer))
    .map(({ peer }) => peer)
    .filter((peer) => connections.get(peer)?.reach === 'direct')
}
