import {
  encodeMessage,
  type Gate,
  type HeldActivation,
  laneTopic,
  type Message,
  type ModelShape,
  type PeerId,
  PRESENCE_TOPIC,
  type Transport,
  type TransportEvents,
  topicOf,
} from '@layerswarm/swarm'
import { pause } from '../deadline.ts'
import { CLOSE_TIMEOUT_MS, PUBLISH_ATTEMPTS_MAX, PUBLISH_RETRY_MS } from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { hangUp } from '../node/peer-connections.ts'
import type { RoundTrips } from '../streams/round-trips.ts'
import { createTellStreams } from '../streams/tell-streams.ts'
import type { TensorStreams } from '../streams/tensor-streams.ts'
import { createDepartures } from './departures.ts'
import { createHearing, type Refusals } from './hearing.ts'
import { createNeighbours } from './neighbours.ts'

/** What a lane transport is made of. */
export interface LaneTransportNeeds {
  readonly node: SwarmNode
  readonly tensors: TensorStreams
  /** The same one that the node asks whom it may connect to. */
  readonly gate: Gate
  readonly roundTrips: RoundTrips
}

/** The lane that it speaks in. */
export interface LaneTransportOptions {
  /** Hash of the release's manifest, hex. */
  readonly release: string
  readonly shape: ModelShape
}

/** The swarm's transport over libp2p: gossip for a lane, direct streams for one peer and for tensors. */
export interface LaneTransport extends Transport {
  start(): Promise<void>
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
 * 5. After `stop` nobody is told anything, and nothing throws.
 */
export function createLaneTransport(
  { node, tensors, gate, roundTrips }: LaneTransportNeeds,
  { release, shape }: LaneTransportOptions,
): LaneTransport {
  const lane = laneTopic(release)
  const listeners = new Set<TransportEvents>()
  const sent = { gossipOut: 0 }
  const publisher = createPublisher(node, release, sent)
  const neighbours = createNeighbours(node, lane)
  const departures = createDepartures(node, (peer) => {
    gate.gone(peer)
    for (const listener of listeners) listener.peerDisconnected(peer as PeerId)
  })
  const hearing = createHearing({ node, gate, release, shape, heard })
  const tells = createTellStreams(node, hearing.told)

  function heard(author: PeerId, message: Message): void {
    departures.heard(author)
    if (message.kind === 'presence' && message.release === release) {
      neighbours.announced(author, message.leaving)
    }
    for (const listener of listeners) listener.messageArrived(author, message)
  }

  return {
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
      hearing.start([PRESENCE_TOPIC, lane])
      departures.start()
      neighbours.start()
      await tells.start()
    },
    async stop() {
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
    publish: publisher.publish,
    flush: publisher.flush,
    offer(tensor, offered) {
      tensors.offer(tensor).then(offered, () => offered(undefined))
    },
    withdraw: (hash) => tensors.withdraw(hash),
    tell: (message, to) => tells.tell(to, encodeMessage(message)),
    push: (hash, to) => tensors.push(hash, to),
    pull: (tensor, isAwaited, pulled) => startPull(tensors, tensor, isAwaited, pulled),
    reaches: neighbours.has,
    neighbours: neighbours.all,
    rttMs: roundTrips.ms,
    accessSpeed: tensors.accessSpeed,
    ban(peer) {
      gate.ban(peer, performance.now())
      hangUp(node, peer, CLOSE_TIMEOUT_MS).catch(() => undefined)
    },
  }
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

interface Publisher {
  publish(message: Message): void
  flush(): Promise<void>
  stop(): void
}

/** @param bytes where what is sent is counted. */
function createPublisher(
  { services: { pubsub } }: SwarmNode,
  release: string,
  bytes: { gossipOut: number },
): Publisher {
  const publishing = new Set<Promise<void>>()
  const stopped = new AbortController()

  async function send(message: Message): Promise<void> {
    const data = encodeMessage(message)
    const topic = topicOf(message.kind, release)
    for (let attempt = 0; attempt < PUBLISH_ATTEMPTS_MAX && !stopped.signal.aborted; attempt++) {
      const { recipients } = await pubsub.publish(topic, data)
      bytes.gossipOut += data.length * recipients.length
      // A neighbour that is known to listen, but whose stream is only being opened, got nothing.
      if (recipients.length > 0 || pubsub.getSubscribers(topic).length === 0) return
      await pause(PUBLISH_RETRY_MS, stopped.signal)
    }
  }

  return {
    publish(message) {
      const ended = () => {
        publishing.delete(sent)
      }
      // Best effort: the node is stopping, or nobody is there to hear it. Steps are offered again.
      const sent: Promise<void> = send(message).then(ended, ended)
      publishing.add(sent)
    },
    async flush() {
      await Promise.all(publishing)
    },
    stop: () => stopped.abort(),
  }
}
