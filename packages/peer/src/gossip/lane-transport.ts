import {
  createLaneReach,
  encodeMessage,
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
import { type Message as GossipMessage, TopicValidatorResult } from '@libp2p/gossipsub'
import type { PeerId as Libp2pPeerId } from '@libp2p/interface'
import { pause } from '../deadline.ts'
import { CLOSE_TIMEOUT_MS, PUBLISH_ATTEMPTS_MAX, PUBLISH_RETRY_MS } from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { directConnection, hangUp } from '../node/peer-connections.ts'
import type { TensorStreams } from '../streams/tensor-streams.ts'
import {
  createLaneValidator,
  type LaneValidator,
  type LaneValidatorNeeds,
} from './lane-validator.ts'

export interface LaneTransportNeeds extends LaneValidatorNeeds {
  tensors: TensorStreams
}

export interface LaneTransportOptions {
  /** Hash of the release's manifest, hex. */
  release: string
  shape: ModelShape
}

/** The swarm's transport over libp2p: gossip for messages, direct streams for tensors. */
export interface LaneTransport extends Transport {
  start(): void
  /** Resolves when everything published before has been handed to libp2p. */
  flush(): Promise<void>
  /** Tells the listeners that a peer is gone, on better evidence than a closed socket. */
  reportGone(peer: string): void
  stop(): void
  /** Bytes of message payloads delivered to this peer, and sent by it times the peers sent to. */
  readonly bytes: { readonly gossipIn: number; readonly gossipOut: number }
}

/**
 * 1. A listener hears only messages that `judgeMessage` passed, and never its own.
 * 2. A message is passed on unless its author reaches the whole lane itself.
 * 3. What it refuses is not passed on either; five refused messages end the connection to whoever
 *    forwarded them.
 * 4. An author beyond its quota is ignored, which blames nobody.
 * 5. `peerDisconnected` is reported once per loss of the last direct connection.
 */
export function createLaneTransport(
  needs: LaneTransportNeeds,
  { release, shape }: LaneTransportOptions,
): LaneTransport {
  const { node, tensors, bans } = needs
  const { pubsub } = node.services
  const self = node.peerId.toString() as PeerId
  const topics = [PRESENCE_TOPIC, laneTopic(release)]
  const listeners = new Set<TransportEvents>()
  const judged = new WeakMap<GossipMessage, Message>()
  const bytes = { gossipIn: 0, gossipOut: 0 }
  const publisher = createPublisher(node, release, bytes)
  const validate = createLaneValidator(needs, shape, judged)

  const reach = createLaneReach()

  const deliver = (raw: GossipMessage) => {
    const message = judged.get(raw)
    if (message === undefined || raw.type !== 'signed') return
    const author = raw.from.toString() as PeerId
    if (author === self) return
    bytes.gossipIn += raw.data.length
    if (message.kind === 'presence' && message.release === release) {
      reach.announced(author, message, performance.now())
    }
    for (const listener of listeners) listener.messageArrived(author, message)
  }
  const deliverPassedOn = ({ detail }: CustomEvent<GossipMessage>) => deliver(detail)

  /** To gossipsub, "ignored" means not passed on and nobody to blame. */
  const judge: LaneValidator = (source, raw) => {
    const verdict = validate(source, raw)
    if (verdict !== TopicValidatorResult.Accept || raw.type !== 'signed') return verdict
    const isForLane = judged.get(raw)?.kind !== 'presence'
    if (!isForLane || !reach.heardByAll(raw.from.toString(), performance.now())) return verdict
    deliver(raw)
    return TopicValidatorResult.Ignore
  }

  const reportGone = (peer: string) => {
    reach.gone(peer)
    for (const listener of listeners) listener.peerDisconnected(peer as PeerId)
  }
  const disconnected = ({ detail }: CustomEvent<{ remotePeer: Libp2pPeerId }>) => {
    const peer = detail.remotePeer.toString()
    if (directConnection(node, peer) === undefined) reportGone(peer)
  }

  return {
    self,
    bytes,
    reportGone,
    start() {
      for (const topic of topics) {
        pubsub.topicValidators.set(topic, judge)
        pubsub.subscribe(topic)
      }
      pubsub.addEventListener('message', deliverPassedOn)
      node.addEventListener('connection:close', disconnected)
    },
    stop() {
      publisher.stop()
      listeners.clear()
      pubsub.removeEventListener('message', deliverPassedOn)
      node.removeEventListener('connection:close', disconnected)
      for (const topic of topics) {
        pubsub.topicValidators.delete(topic)
        if (node.status === 'started') pubsub.unsubscribe(topic)
      }
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
    pull: (tensor, pulled) => startPull(tensors, tensor, pulled),
    ban(peer) {
      bans.add(peer, performance.now())
      hangUp(node, peer, CLOSE_TIMEOUT_MS).catch(() => undefined)
    },
  }
}

/** @returns what cancels the pull; `pulled` is not called afterwards. */
function startPull(
  tensors: TensorStreams,
  tensor: HeldActivation,
  pulled: (bytes: Uint8Array | undefined) => void,
): () => void {
  const controller = new AbortController()
  const report = (result: Uint8Array | undefined) => {
    if (!controller.signal.aborted) pulled(result)
  }
  tensors.pull(tensor, controller.signal).then(report, () => report(undefined))
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
