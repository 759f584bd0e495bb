import {
  encodeMessage,
  type Gate,
  type HeldActivation,
  type LaneCount,
  type Message,
  type ModelShape,
  type PeerId,
  type Transport,
  type TransportEvents,
} from '@layerswarm/swarm'
import type { PrivateKey } from '@libp2p/interface'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { cutOff } from '../node/peer-connections.ts'
import type { RoundTrips } from '../streams/round-trips.ts'
import { createTellStreams } from '../streams/tell-streams.ts'
import type { TensorStreams } from '../streams/tensor-streams.ts'
import { createDepartures } from './departures.ts'
import { createHearing, type Refusals } from './hearing.ts'
import { createLanePlace } from './lane-place.ts'
import { createNeighbours } from './neighbours.ts'
import { createPublisher } from './publisher.ts'
import { signing } from './signatures.ts'

/** What a lane transport is made of. */
export interface LaneTransportNeeds {
  readonly node: SwarmNode
  /** What its own steps are signed with: the key that it is named for. */
  readonly privateKey: PrivateKey
  readonly tensors: TensorStreams
  /** The same one that the node asks whom it may connect to. */
  readonly gate: Gate
  readonly roundTrips: RoundTrips
  /** Bootstrap nodes, which forward presence. */
  isForwarder(peer: string): boolean
  /** How full the lanes of the release are; undefined when nobody can say. May reject. */
  countLanes(signal: AbortSignal): Promise<readonly LaneCount[] | undefined>
  /** Told that it is in another lane now. */
  entered(lane: number): void
}

/** The release that it speaks of, and where. */
export interface LaneTransportOptions {
  /** Hash of the release's manifest, hex. */
  readonly release: string
  readonly shape: ModelShape
  /** The lane in which it begins. */
  readonly lane: number
}

/** The swarm's transport over libp2p: gossip for a lane, direct streams for one peer and for tensors. */
export interface LaneTransport extends Transport {
  start(): Promise<void>
  /** The lane that it speaks and listens in. */
  readonly lane: number
  /** Members of its lane to which it has a connection. */
  links(): number
  /** Resolves when everything published before has been handed to libp2p. */
  flush(): Promise<void>
  /** Tells the listeners that a peer is gone, on better evidence than a closed socket. */
  reportGone(peer: string): void
  stop(): Promise<void>
  /** Bytes of message payloads delivered to this peer, and sent by it times the peers sent to; told ones are among them. */
  readonly bytes: {
    readonly gossipIn: number
    readonly gossipOut: number
    /** Told bytes that crossed a limited connection: none may. */
    readonly toldOverRelay: number
  }
  readonly refusals: Refusals
}

/**
 * 1. A listener hears only messages that the gate delivers, each once, and never its own.
 * 2. A message is passed on unless its author reaches the whole lane itself.
 * 3. What the gate refuses is not passed on either; whoever it bans is hung up on, and the node
 *    neither dials a banned peer nor lets it in.
 * 4. `peerDisconnected` is told once per loss of the last direct connection.
 * 5. In another lane nothing is announced before a bootstrap node that is connected listens there, for
 *    at most PRESENCE_READY_TIMEOUT_MS: the members there hear of it by that node alone.
 * 6. After `stop` nobody is told anything, and nothing throws.
 */
export function createLaneTransport(
  needs: LaneTransportNeeds,
  { release, shape, lane: first }: LaneTransportOptions,
): LaneTransport {
  const { node, tensors, gate, roundTrips } = needs
  const place = createLanePlace(needs, release, first)
  const stopped = new AbortController()
  const listeners = new Set<TransportEvents>()
  const sent = { gossipOut: 0 }
  const publisher = createPublisher(node, sent)
  const neighbours = createNeighbours(node, place.topics.lane)
  const departures = createDepartures(node, (peer) => {
    gate.gone(peer)
    for (const listener of listeners) listener.peerDisconnected(peer as PeerId)
  })
  const hearing = createHearing({ node, gate, release, shape, heard })
  const tells = createTellStreams(node, hearing.told)

  function heard(author: PeerId, message: Message, via: PeerId): void {
    departures.heard(author)
    if (place.isPresenceHere(message)) neighbours.announced(author, message.leaving)
    for (const listener of listeners) listener.messageArrived(author, message, via)
  }

  function enter(lane: number): void {
    if (stopped.signal.aborted || !place.enter(lane)) return
    gate.enter(lane)
    if (node.status !== 'started') return
    neighbours.enter(place.topics.lane)
    hearing.change(place.topics)
    place.meet(stopped.signal)
    needs.entered(lane)
  }

  gate.enter(first)
  return {
    get lane() {
      return place.lane
    },
    links: place.links,
    enter,
    countLanes: (counted) => askHowFull(needs, stopped.signal, counted),
    self: node.peerId.toString() as PeerId,
    get bytes() {
      return {
        gossipIn: hearing.bytesIn + tells.bytes.in,
        gossipOut: sent.gossipOut + tells.bytes.out,
        toldOverRelay: tells.bytes.overRelay,
      }
    },
    get refusals() {
      return { ...hearing.refusals }
    },
    reportGone: departures.report,
    async start() {
      hearing.start(place.topics)
      departures.start()
      neighbours.enter(place.topics.lane)
      neighbours.start()
      await tells.start()
    },
    async stop() {
      stopped.abort(new Error('the transport was stopped'))
      publisher.stop()
      listeners.clear()
      neighbours.stop()
      departures.stop()
      hearing.stop()
      await tells.stop()
    },
    listen(events) {
      listeners.add(events)
      return () => listeners.delete(events)
    },
    ...signing(needs.privateKey),
    publish: (message) =>
      publisher.publish(message, place.topicOf(message), place.readyFor(message)),
    flush: publisher.flush,
    ...waysOf(tensors),
    tell: (message, to) => tells.tell(to, encodeMessage(message)),
    reaches: neighbours.has,
    neighbours: neighbours.all,
    rttMs: roundTrips.ms,
    ban: (peer) => banned(needs, peer),
  }
}

/** What a transport does with tensors. */
function waysOf(
  tensors: TensorStreams,
): Pick<Transport, 'offer' | 'withdraw' | 'push' | 'pull' | 'accessSpeed'> {
  return {
    offer(tensor, offered) {
      tensors.offer(tensor).then(offered, () => offered(undefined))
    },
    withdraw: (hash) => tensors.withdraw(hash),
    push: (hash, to) => tensors.push(hash, to),
    pull: (tensor, isAwaited, pulled) => startPull(tensors, tensor, isAwaited, pulled),
    accessSpeed: tensors.accessSpeed,
  }
}

function banned({ node, gate }: LaneTransportNeeds, peer: PeerId): void {
  gate.ban(peer, performance.now())
  cutOff(node, peer, 'it is banned')
}

function askHowFull(
  { countLanes }: LaneTransportNeeds,
  stopped: AbortSignal,
  counted: (lanes: readonly LaneCount[] | undefined) => void,
): void {
  const report = (lanes: readonly LaneCount[] | undefined) => {
    if (!stopped.aborted) counted(lanes)
  }
  countLanes(stopped).then(report, () => report(undefined))
}

/** @returns what cancels the pull; `pulled` is not called afterwards. */
function startPull(
  tensors: TensorStreams,
  tensor: HeldActivation,
  isAwaited: boolean,
  pulled: (bytes: Uint8Array | undefined) => void,
): () => void {
  const controller = new AbortController()
  const report = (result: Uint8Array | undefined) => {
    if (!controller.signal.aborted) pulled(result)
  }
  tensors.pull(tensor, isAwaited, controller.signal).then(report, () => report(undefined))
  return () => controller.abort(new Error('the pull was cancelled'))
}
