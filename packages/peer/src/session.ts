import { type Manifest, type ModelSpec, type Sha256, tokensOf } from '@layerswarm/model'
import {
  ADDRESSES_MAX,
  createGate,
  createMember,
  laneTopic,
  type Member,
  type ModelShape,
  PRESENCE_TOPIC,
} from '@layerswarm/swarm'
import { createBlobCache } from '#cache'
import { createCompute, type PartCompute } from '#compute'
import { openIdentity } from '#identity'
import { platform } from '#net'
import { chooseRelease, fetchBootstrap, fetchManifest, parseJoinUrl } from './bootstrap.ts'
import { createLaneTransport, type LaneTransport } from './gossip/lane-transport.ts'
import { subscriberMet } from './gossip/subscribers.ts'
import { createHolds, type Holds } from './holds.ts'
import { followLife, type LifeState } from './life/follow-life.ts'
import { LANE_MEET_TIMEOUT_MS, PRESENCE_READY_TIMEOUT_MS } from './limits.ts'
import { createGoodbyes, type Goodbyes } from './meeting/goodbyes.ts'
import { createIntroductions } from './meeting/introductions.ts'
import { createRelayKeeper, type RelayKeeper } from './meeting/relay-keeper.ts'
import type { SwarmNode } from './node/libp2p-config.ts'
import { describeConnections } from './node/peer-connections.ts'
import type { PeerOptions } from './options.ts'
import { httpFetcher } from './store/http.ts'
import { createLayerStore, type LayerStore } from './store/layer-store.ts'
import { createLayerStreams, type LayerStreams } from './streams/layer-streams.ts'
import { createTensorStreams, type TensorStreams } from './streams/tensor-streams.ts'
import { createSystemClock, systemRandom } from './system-ports.ts'

/** Everything that exists while a peer is part of a swarm. */
export interface Session {
  readonly release: { readonly id: Sha256; readonly name: string }
  readonly manifest: Manifest
  readonly node: SwarmNode
  readonly member: Member
  readonly compute: PartCompute
  readonly store: LayerStore
  readonly transport: LaneTransport
  readonly tensors: TensorStreams
  readonly layers: LayerStreams
  readonly keeper: RelayKeeper
  readonly holds: Holds
  readonly life: LifeState
  /** RTCPeerConnections that this page has made, in this session and before. */
  peerConnectionsMade(): number
  /** Waits a moment for the first neighbour on the lane: a request that nobody hears costs a stall. */
  laneMet(): Promise<void>
  /** Leaves the swarm and closes everything that the session opened. */
  close(): Promise<void>
}

/** What was opened so far, to be closed in reverse order. */
interface Opened {
  /** What is opened after all was closed is closed at once. */
  add(close: () => unknown): Promise<void>
  closeAll(): Promise<void>
}

function createOpened(): Opened {
  const closers: (() => unknown)[] = []
  let closed = false
  async function closeAll(): Promise<void> {
    closed = true
    for (const close of closers.splice(0).reverse()) {
      // One part that fails to close must not keep the others open.
      await Promise.resolve()
        .then(close)
        .catch(() => undefined)
    }
  }
  return {
    async add(close) {
      closers.push(close)
      if (closed) await closeAll()
    },
    closeAll,
  }
}

/**
 * Joins a swarm. @param step told in one line what is being done.
 * @throws PeerError; whatever was opened until then is closed again.
 */
export async function openSession(
  options: PeerOptions,
  step: (reason: string) => void,
  signal: AbortSignal,
): Promise<Session> {
  const opened = createOpened()
  try {
    return await open(options, step, signal, opened)
  } catch (error) {
    await opened.closeAll()
    throw error
  }
}

async function open(
  options: PeerOptions,
  step: (reason: string) => void,
  signal: AbortSignal,
  opened: Opened,
): Promise<Session> {
  const join = parseJoinUrl(options.join)
  step(`asking ${join.host} for a swarm to join`)
  const bootstrap = await fetchBootstrap(join, signal)
  const release = chooseRelease(bootstrap, options.release)
  const manifest = await fetchManifest(join, release, options.trustedPublishers, signal)
  step('opening the network')
  const network = await openNetwork(
    options,
    { join, release: release.id, manifest },
    signal,
    opened,
  )
  const { node, store, transport, keeper, link } = network
  step('connecting to the swarm, starting the engine')
  const { spec } = manifest
  const [compute] = await Promise.all([
    openCompute(options, { spec, store }, opened),
    // The first presence is published only when gossip has met the bootstrap node.
    keeper
      .start(bootstrap.addresses, signal)
      .then(() =>
        subscriberMet(node, PRESENCE_TOPIC, keeper.isBootstrap, PRESENCE_READY_TIMEOUT_MS, signal),
      ),
  ])
  signal.throwIfAborted()

  const clock = createSystemClock()
  await opened.add(() => clock.cancelAll())
  const member = createMember(
    { transport: options.wrapTransport(transport, clock), compute, clock, random: systemRandom },
    {
      release: release.id,
      shape: shapeOf(spec),
      serve: options.serve === 'none' ? [] : options.serve,
      capacity: options.capacity,
      slots: options.slots,
      timeShare: options.timeShare,
      addresses: () => announcedAddresses(node),
      links: () => node.services.pubsub.getSubscribers(laneTopic(release.id)).length,
    },
  )
  link.member = member
  member.start()
  await opened.add(async () => {
    // Says "leaving" by gossip first, and then by the byte that also gets out of a dying tab.
    member.stop()
    await transport.flush()
    network.goodbyes.say()
  })
  const holds = createHolds((held) => (held ? member.pause() : member.resume()))
  compute.listen({
    ailing: (problem) =>
      problem === undefined ? holds.release('engine') : holds.hold('engine', restarting(problem)),
    outOfMemory: () => member.setCapacity(Math.max(0, member.snapshot().hosted.length - 1)),
  })
  const life = followLife(platform.watchLife, {
    holds,
    sayGoodbye: () => network.goodbyes.say(),
    lookAround: () => keeper.hurry(),
  })
  await opened.add(() => life.stop())
  const closed = new AbortController()
  await opened.add(() => closed.abort(new Error('the session was closed')))
  return {
    ...network,
    release,
    manifest,
    member,
    compute,
    holds,
    life: life.state,
    peerConnectionsMade: platform.peerConnectionsMade,
    async laneMet() {
      const lane = laneTopic(release.id)
      await subscriberMet(node, lane, () => true, LANE_MEET_TIMEOUT_MS, closed.signal)
    },
    close: opened.closeAll,
  }
}

interface Joined {
  join: URL
  release: Sha256
  manifest: Manifest
}

interface Network {
  readonly node: SwarmNode
  readonly store: LayerStore
  readonly transport: LaneTransport
  readonly tensors: TensorStreams
  readonly layers: LayerStreams
  readonly keeper: RelayKeeper
  readonly goodbyes: Goodbyes
  /** Filled in once there is a member: where to ask for layers is known from presence. */
  readonly link: { member: Member | undefined }
}

async function openNetwork(
  options: PeerOptions,
  { join, release, manifest }: Joined,
  signal: AbortSignal,
  opened: Opened,
): Promise<Network> {
  const identity = await openIdentity(options.dataDir)
  await opened.add(() => identity.release())
  const isForwarder = (peer: string) => keeper.isBootstrap(peer)
  // A bootstrap node may know other rules, and a peer that loses it is alone: it is never blamed.
  const gate = createGate({ release, blames: (source) => !isForwarder(source) })
  const node = await platform.createNode({
    privateKey: identity.privateKey,
    topics: { presence: PRESENCE_TOPIC, lane: laneTopic(release) },
    isBanned: (peer) => gate.isBanned(peer, performance.now()),
    isForwarder,
    host: options.host,
    iceServers: options.iceServers,
  })
  await opened.add(() => node.stop())
  const keeper: RelayKeeper = createRelayKeeper({
    node,
    platform,
    refresh: async (bounded) => (await fetchBootstrap(join, bounded)).addresses,
  })
  const gone = (peer: string) => transport.reportGone(peer)
  const introductions = createIntroductions({ node, platform, isForwarder, gone })
  const tensors = createTensorStreams(node, {
    reach: (peer, bounded) => introductions.reach(peer, bounded),
  })
  const transport = createLaneTransport(
    { node, tensors, gate },
    { release, shape: shapeOf(manifest.spec) },
  )
  const goodbyes = createGoodbyes(node, (peer) => {
    gone(peer)
    introductions.departed(peer)
  })
  const link: Network['link'] = { member: undefined }
  const candidates = (sha256: Sha256) => layerHosts(node, manifest, link.member, sha256)
  // The two need each other: files come from peers, and what has come is given to peers.
  const layers = createLayerStreams({ node, held: (sha256) => store.held(sha256), candidates })
  const cache = await createBlobCache(options.dataDir)
  const store = createLayerStore({
    manifest,
    cache,
    fetchers: [{ name: 'peers', fetch: layers.fetch }, httpFetcher(join, cache)],
  })
  for (const part of [tensors, layers, goodbyes]) {
    await opened.add(() => part.stop())
    await part.start()
  }
  transport.listen({
    messageArrived(from, message) {
      if (message.kind === 'presence' && message.release === release) {
        introductions.announced(from, message)
      }
    },
    peerDisconnected: () => undefined,
  })
  transport.start()
  await opened.add(() => transport.stop())
  introductions.start()
  await opened.add(() => introductions.stop())
  await opened.add(() => keeper.stop())
  signal.throwIfAborted()
  return { node, store, transport, tensors, layers, keeper, goodbyes, link }
}

async function openCompute(
  { engine, wireDtype }: PeerOptions,
  { spec, store }: { spec: ModelSpec; store: LayerStore },
  opened: Opened,
): Promise<PartCompute> {
  const compute = await createCompute({ spec, store, wireDtype }, engine)
  await opened.add(() => compute.close())
  return compute
}

function restarting(problem: string): string {
  return `${problem}; the engine is starting again`
}

function shapeOf(spec: ModelSpec): ModelShape {
  return { layers: spec.layers, tokens: tokensOf(spec), width: spec.width }
}

/** Where others can dial this peer; a bare circuit carries no work and is left out. */
function announcedAddresses(node: SwarmNode): string[] {
  return node
    .getMultiaddrs()
    .map((address) => address.toString())
    .filter((address) => !address.includes('/p2p-circuit') || address.includes('/webrtc'))
    .slice(0, ADDRESSES_MAX)
}

/** Directly connected peers that host a part; a stem or head may be with anybody. */
function layerHosts(
  node: SwarmNode,
  manifest: Manifest,
  member: Member | undefined,
  sha256: Sha256,
): string[] {
  const layer = manifest.parts.find((part) => part.sha256 === sha256)?.part
  const connections = describeConnections(node)
  return (member?.snapshot().peers ?? [])
    .filter(({ layers }) => typeof layer !== 'number' || layers.includes(layer))
    .map(({ peer }) => peer)
    .filter((peer) => connections.get(peer)?.reach === 'direct')
}
