import { randomBytes } from 'node:crypto'
import {
  type HeldActivation,
  laneTopic,
  type Message,
  type PeerId,
  presenceTopic,
  type RequestId,
  type Step,
  type TensorHash,
} from '@layerswarm/swarm'
import { anyChain, anyPresence } from '@layerswarm/swarm/testing'
import { multiaddr } from '@multiformats/multiaddr'
import { createLaneTransport, type LaneTransport } from '../gossip/lane-transport.ts'
import { createRoundTrips, type RoundTrips } from '../streams/round-trips.ts'
import { createTensorStreams, type TensorStreams } from '../streams/tensor-streams.ts'
import {
  addressesOf,
  createTestNode,
  eventually,
  RELEASE,
  SHAPE,
  type TestNode,
  type TestNodeOptions,
} from './test-nodes.ts'

/** A test node with a lane transport, and what its listener was told. */
export interface LaneMember extends TestNode {
  transport: LaneTransport
  tensors: TensorStreams
  roundTrips: RoundTrips
  heard: { from: PeerId; message: Message }[]
  gone: PeerId[]
  /** Stops it and all that it consists of. */
  end(): Promise<void>
}

const open = new Set<LaneMember>()

/** A member that is connected to nobody yet; `closeLanes` ends it. */
export async function joinLane(options: Partial<TestNodeOptions> = {}): Promise<LaneMember> {
  const made = await createTestNode(options)
  const roundTrips = createRoundTrips(made.node)
  const tensors = createTensorStreams(made.node, { rttMs: roundTrips.ms })
  roundTrips.start()
  await tensors.start()
  const transport = createLaneTransport(
    {
      ...made,
      tensors,
      roundTrips,
      isForwarder: (peer) => (options.forwarders ?? []).includes(peer),
      countLanes: async () => undefined,
      entered: () => {},
    },
    { release: RELEASE, shape: SHAPE, lane: 0 },
  )
  const parts = { ...made, transport, tensors, roundTrips }
  const end = async () => {
    open.delete(member)
    await transport.stop()
    await tensors.stop()
    roundTrips.stop()
    await made.node.stop()
  }
  const member: LaneMember = { ...parts, heard: [], gone: [], end }
  transport.listen({
    messageArrived: (from, message) => member.heard.push({ from, message }),
    peerDisconnected: (peer) => member.gone.push(peer),
  })
  await transport.start()
  open.add(member)
  return member
}

/** Members in a row: each is connected to the one before it only. */
export async function chain(count: number): Promise<LaneMember[]> {
  const members: LaneMember[] = []
  for (let i = 0; i < count; i++) {
    const member = await joinLane()
    const before = members.at(-1)
    if (before !== undefined) await meet(member, before)
    members.push(member)
  }
  return members
}

/** Connects two members. */
export async function dial(from: LaneMember, to: LaneMember): Promise<void> {
  await from.node.dial(addressesOf(to.node).map((address) => multiaddr(address)))
}

/** Connects two members, and waits until each knows that the other listens. */
export async function meet(a: LaneMember, b: LaneMember): Promise<void> {
  await dial(a, b)
  const knows = (one: LaneMember, other: LaneMember) =>
    [laneTopic(RELEASE, 0), presenceTopic(RELEASE, 0)].every((topic) =>
      one.node.services.pubsub.getSubscribers(topic).some((peer) => peer.equals(other.node.peerId)),
    )
  await eventually('the mesh', () => knows(a, b) && knows(b, a))
}

/** Ends all members that were made. */
export async function closeLanes(): Promise<void> {
  await Promise.all([...open].map((member) => member.end()))
}

const SIZE = SHAPE.tokens * SHAPE.width * 4

/** A request's first step, its tensor in the message. */
export function firstStep(requester: PeerId): Step {
  return {
    kind: 'step',
    input: undefined,
    next: undefined,
    silent: [],
    barred: [],
    isPrivate: false,
    request: randomBytes(16).toString('hex') as RequestId,
    requester,
    endsAtMs: 1_000,
    era: 0,
    route: [],
    chain: anyChain([], { isOpen: true }),
    plan: [],
    activation: {
      place: 'inline',
      dtype: 'float32',
      batch: 1,
      tokens: SHAPE.tokens,
      width: SHAPE.width,
      bytes: new Uint8Array(randomBytes(SIZE)),
    },
    remainingMs: 1_000,
  }
}

/** The step of the same request, once a member has heard it. */
export function heardStep({ heard }: LaneMember, { request }: Step): Message | undefined {
  return heard.find(({ message }) => message.kind === 'step' && message.request === request)
    ?.message
}

/** What a pull that awaits nothing brings. */
export function pull(member: LaneMember, tensor: HeldActivation): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => member.transport.pull(tensor, false, resolve))
}

/** The hash of a tensor that a member keeps from now on. */
export function offer(member: LaneMember, bytes: Uint8Array): Promise<TensorHash | undefined> {
  return new Promise((resolve) => member.transport.offer(bytes, resolve))
}

/** A member by its number. @throws Error when there are fewer. */
export function at(members: readonly LaneMember[], index: number): LaneMember {
  const member = members[index]
  if (member === undefined) throw new Error(`there is no member ${index}`)
  return member
}

/** A tensor that somebody holds. */
export function heldTensor(hash: TensorHash, size: number, holder: PeerId): HeldActivation {
  return { place: 'held', dtype: 'float16', batch: 1, tokens: 5, width: 8, hash, size, holder }
}

/** What a member that hosts layer 0 announces. */
export function presenceOf({ transport, node }: LaneMember) {
  return anyPresence({
    release: RELEASE,
    layers: [0],
    addresses: addressesOf(node).filter((address) => address.endsWith(transport.self)),
  })
}
