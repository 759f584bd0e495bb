import {
  fileDistanceOf,
  layersFault,
  type Manifest,
  type ModelSpec,
  type Sha256,
} from '@layerswarm/model'
import {
  ADDRESSES_MAX,
  createMember,
  entryLane,
  laneSizes,
  laneTopic,
  type Member,
  type MemberOptions,
  presenceTopic,
} from '@layerswarm/swarm'
import { type ComputeNeeds, createCompute, type PartCompute } from '#compute'
import { platform } from '#net'
import { chooseRelease, fetchManifest } from './bootstrap.ts'
import { createOpened, type Opened } from './closers.ts'
import { pause } from './deadline.ts'
import { PeerError } from './errors.ts'
import { subscriberMet } from './gossip/subscribers.ts'
import { createHolds, type Holds } from './holds.ts'
import { createReleaseJudge, type LaneRelease, laneReleaseOf } from './lane-release.ts'
import { followLife, type LifeState } from './life/follow-life.ts'
import {
  LANE_MEET_ALONE_TIMEOUT_MS,
  LANE_MEET_TIMEOUT_MS,
  PRESENCE_READY_TIMEOUT_MS,
  SHUT_OUT_LOOK_MS,
  SHUT_OUT_MS_MAX,
} from './limits.ts'
import { checkMembership, swarmKeyOf } from './meeting/swarm-key.ts'
import { type Network, openNetwork, shapeOf } from './network.ts'
import type { SwarmNode } from './node/libp2p-config.ts'
import { isCircuit } from './node/reach.ts'
import { type PeerOptions, POLICIES } from './options.ts'
import type { RelayKeepers } from './servers/relay-keepers.ts'
import type { ServerChange } from './servers/server-state.ts'
import { type Answer, createServers } from './servers/servers.ts'
import { createSystemClock, systemRandom } from './system-ports.ts'

/** Everything that exists while a peer is part of a swarm. */
export interface Session
  extends Pick<
    Network,
    'node' | 'store' | 'layerFiles' | 'transport' | 'tensors' | 'layers' | 'keeper'
  > {
  readonly release: { readonly id: Sha256; readonly name: string }
  readonly manifest: Manifest
  /** The release whose lanes it is in. */
  readonly laneRelease: LaneRelease
  readonly member: Member
  readonly compute: PartCompute
  /** Why this peer takes no work, if it does not. */
  readonly holds: Holds
  readonly life: LifeState
  /** RTCPeerConnections that this page has made, in this session and before. */
  peerConnectionsMade(): number
  /**
   * Ends with the first neighbour on the lane, since a request that nobody hears costs a stall, or a moment
   * after joining: who is alone then waits no more.
   */
  laneMet(): Promise<unknown>
  /** Leaves the swarm and closes everything that the session opened. Never rejects. */
  close(): Promise<void>
}

/** Who is told how a session begins and fares. */
export interface SessionEvents {
  /** In one line, what is being done. */
  step(reason: string): void
  serverChanged(change: ServerChange): void
  /** Somebody who is not on this peer's list wanted a connection. */
  peerRefused(peer: string): void
}

/**
 * Joins a swarm by the first of its servers that answers.
 * @param openEngine what it computes with; another one than a peer's in tests alone.
 * @throws PeerError; whatever was opened until then is closed again.
 */
export async function openSession(
  options: PeerOptions,
  events: SessionEvents,
  signal: AbortSignal,
  openEngine: typeof createCompute = createCompute,
): Promise<Session> {
  const opened = createOpened()
  try {
    return await open(options, events, { signal, openEngine, opened })
  } catch (error) {
    await opened.closeAll()
    throw error
  }
}

/** How a session is opened. */
interface Opening {
  readonly signal: AbortSignal
  readonly openEngine: typeof createCompute
  readonly opened: Opened
}

async function open(
  options: PeerOptions,
  { step, serverChanged, peerRefused }: SessionEvents,
  { signal, openEngine, opened }: Opening,
): Promise<Session> {
  const servers = createServers(options.join)
  step(`asking ${servers.urls.map(({ host }) => host).join(' or ')} for a swarm to join`)
  const first = await servers.readAny(signal)
  const { bootstrap } = first
  const swarmKey = swarmKeyOf(options)
  checkMembership(bootstrap, swarmKey)
  const release = chooseRelease(bootstrap, options.release)
  const manifest = await fetchManifest(first.url, release, options.trustedPublishers, signal)
  checkServed(options.serve, manifest.spec)
  const laneRelease = await laneReleaseOf(first, release, manifest, signal)
  if (laneRelease.note !== undefined) step(laneRelease.note)
  const lane = entryLane(laneRelease.lanes, serves(options), laneSizes(options.laneProviders))
  step('opening the network, starting the engine')
  const { spec } = manifest
  const opening = openNetwork(
    options,
    {
      ...{ servers, swarmKey, manifest, lane, serverChanged, peerRefused },
      ...{ release: laneRelease.id, weights: laneRelease.weights },
      iceServers: bootstrap.iceServers,
    },
    signal,
    opened,
    step,
  )
  // It takes longest of all, and needs files only when it is open.
  const store = opening.then((network) => network.store)
  const engine = openCompute(options, { spec, store }, openEngine, opened)
  for (const part of [store, engine]) part.catch(() => undefined)
  const network = await opening
  const { node, keeper } = network
  step('connecting to the swarm, starting the engine')
  const [compute] = await Promise.all([
    engine,
    // The first presence is published only when gossip has met the bootstrap node.
    meetServers(network, first, laneRelease.id, signal),
  ])
  signal.throwIfAborted()

  const closed = new AbortController()
  await opened.add(() => closed.abort(new Error('the session was closed')))
  const member = await startMember(
    options,
    {
      ...{ network, compute, manifest, laneRelease },
      judgeRelease: createReleaseJudge(servers, laneRelease.manifest, closed.signal),
    },
    opened,
  )
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
  const topic = laneTopic(laneRelease.id, lane)
  const meetMs = meetMsIn(laneRelease, lane)
  const laneMet = subscriberMet(node, topic, () => true, meetMs, closed.signal)
  return {
    ...network,
    release,
    manifest,
    laneRelease,
    member,
    compute,
    holds,
    life: life.state,
    peerConnectionsMade: platform.peerConnectionsMade,
    laneMet: () => laneMet,
    close: opened.closeAll,
  }
}

/**
 * Connects to the servers, and waits until one listens. @throws PeerError `unreachable`, or `not-listed` by a server
 * that has a list: it hangs up without a word on whoever is not on it, at once or right after it was reached.
 */
async function meetServers(
  network: Network,
  first: Answer,
  release: string,
  signal: AbortSignal,
): Promise<void> {
  const { keeper } = network
  const { hasAllowList } = first.bootstrap
  try {
    await keeper.start(first, signal)
  } catch (error) {
    const isShut = error instanceof PeerError && error.fault.code === 'unreachable'
    throw isShut && hasAllowList ? notListed(network, error) : error
  }
  const isMet = await forwarderMet(network, release, signal)
  if (hasAllowList && (await isShutOut(keeper, isMet, signal))) throw notListed(network)
}

/**
 * Whether a server with a list has hung up. Whoever it hears is in; between two attempts of one that it does not
 * hear the connection stands for a moment each time.
 */
async function isShutOut(
  keeper: RelayKeepers,
  isMet: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const endMs = performance.now() + (isMet ? 0 : SHUT_OUT_MS_MAX)
  while (keeper.state !== 'lost') {
    if (performance.now() >= endMs || signal.aborted) return false
    await pause(SHUT_OUT_LOOK_MS, signal)
  }
  return true
}

function notListed({ node, hasKeptIdentity }: Network, cause?: unknown): PeerError {
  const peer = node.peerId.toString()
  const line = `the server did not let this peer in, and lets in only those on its host's list: ask for ${peer} to be added`
  const other = hasKeptIdentity
    ? ''
    : '; without a folder of its own (dataDir, --data) it has another id each time'
  return new PeerError({ code: 'not-listed', peer }, `${line}${other}`, { cause })
}

/** Waits until a bootstrap node listens to the presence of the lane. */
function forwarderMet(
  { node, keeper, transport }: Network,
  release: string,
  signal: AbortSignal,
): Promise<boolean> {
  const topic = presenceTopic(release, transport.lane)
  return subscriberMet(node, topic, keeper.isBootstrap, PRESENCE_READY_TIMEOUT_MS, signal)
}

/** What a member of a session is made of. */
interface MemberNeeds {
  readonly network: Network
  readonly compute: PartCompute
  readonly manifest: Manifest
  readonly laneRelease: LaneRelease
  readonly judgeRelease: NonNullable<MemberOptions['judgeRelease']>
}

async function startMember(
  options: PeerOptions,
  { network, compute, manifest, laneRelease, judgeRelease }: MemberNeeds,
  opened: Opened,
): Promise<Member> {
  const { node, transport, link } = network
  const { weights } = laneRelease
  const clock = createSystemClock()
  await opened.add(() => clock.cancelAll())
  const member = createMember(
    { transport: options.wrapTransport(transport, clock), compute, clock, random: systemRandom },
    {
      release: laneRelease.id,
      shape: shapeOf(laneRelease.manifest),
      weights: weights && { release: weights, fileDistance: fileDistanceOf(manifest) },
      judgeRelease,
      serve: options.serve === 'none' ? [] : options.serve,
      capacity: options.capacity,
      slots: options.slots,
      timeShare: options.timeShare,
      policy: POLICIES[options.policy],
      addresses: () => announcedAddresses(node),
      lane: transport.lane,
      laneProviders: options.laneProviders,
      links: transport.links,
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
  return member
}

/** @throws PeerError `bad-options` for layers that the release does not have, or that are named twice. */
function checkServed(serve: PeerOptions['serve'], spec: ModelSpec): void {
  if (serve === 'auto' || serve === 'none') return
  const fault = layersFault(serve, spec)
  if (fault !== undefined) throw new PeerError({ code: 'bad-options', field: 'serve' }, fault)
}

/** How long a neighbour is waited for in a lane; a server that does not count its members may know of many. */
function meetMsIn({ lanes }: LaneRelease, lane: number): number {
  const count = lanes?.find((one) => one.lane === lane)
  const isEmpty = lanes !== undefined && (count?.providers ?? 0) + (count?.askers ?? 0) === 0
  return isEmpty ? LANE_MEET_ALONE_TIMEOUT_MS : LANE_MEET_TIMEOUT_MS
}

/** Whether a peer with these options hosts layers. */
function serves({ serve, capacity }: PeerOptions): boolean {
  if (serve === 'none') return false
  return serve === 'auto' ? capacity > 0 : serve.length > 0
}

async function openCompute(
  { engine, beforeEngine, wireDtype }: PeerOptions,
  { spec, store }: Pick<ComputeNeeds, 'spec' | 'store'>,
  openEngine: typeof createCompute,
  opened: Opened,
): Promise<PartCompute> {
  await beforeEngine()
  const compute = await openEngine({ spec, store, wireDtype }, engine)
  await opened.add(() => compute.close())
  return compute
}

function restarting(problem: string): string {
  return `${problem}; the engine is starting again`
}

/**
 * Where others can dial this peer; a bare circuit carries no work and is left out. A machine with many
 * addresses leaves some away, and never how WebRTC reaches it.
 */
function announcedAddresses(node: SwarmNode): string[] {
  const own = node.getMultiaddrs().map((address) => address.toString())
  const circuits = own
    .filter((address) => isCircuit(address) && address.includes('/webrtc'))
    // Who dials a circuit is connected to its relay already, maybe by another way: its peer id will do.
    .map((address) => address.replace(/^.*(?=\/p2p\/[^/]+\/p2p-circuit)/, ''))
  const plain = own.filter((address) => !isCircuit(address))
  const ways = new Set(circuits)
  const others = [...new Set(plain)].slice(0, Math.max(0, ADDRESSES_MAX - ways.size))
  return others.concat(...ways).slice(0, ADDRESSES_MAX)
}
