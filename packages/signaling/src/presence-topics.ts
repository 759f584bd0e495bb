import { createQuota, parseTopic } from '@layerswarm/swarm'
import {
  type GossipSub,
  type SubscriptionChangeData,
  type TopicValidatorFn,
  TopicValidatorResult,
} from '@libp2p/gossipsub'
import {
  LANE_TOPICS_MAX,
  LANE_TOPICS_OPENED_BURST,
  LANE_TOPICS_OPENED_PER_SECOND,
  RATE_KEYS_MAX,
} from './limits.ts'
import type { PresenceGate } from './presence-gate.ts'
import { TopicRoom } from './topic-room.ts'

/** By whom presence is judged, and of which releases it is heard. */
export interface PresenceTopicsNeeds {
  readonly gate: PresenceGate
  /** @param release as topics name it. */
  offers(release: string): boolean
  /** Whether a peer is another server of the swarm. */
  isServer(peer: string): boolean
  /** Where a peer is connected from, as quotas are counted. */
  networkOf(peer: string): string | undefined
}

/**
 * The presence topics of all lanes in which somebody is, so that one place knows how full each lane is.
 *
 * 1. A topic is followed from the moment that a connected peer follows it, if it is the presence topic of a
 *    release on offer, for as long as it has room (`TopicRoom`).
 *    Other servers do not count as followers: two would keep each other at it for ever.
 * 2. One peer opens LANE_TOPICS_OPENED_PER_SECOND on the long run.
 * 3. What could not be followed at once is looked at again at each sweep, as long as somebody follows it.
 * 4. What comes in any other topic is dropped, and judged as what it is: not presence.
 */
export interface PresenceTopics {
  start(): void
  stop(): void
  /** Gives up what nobody follows any more, and follows what has found no room before. */
  sweep(nowMs: number): void
  readonly size: number
}

/** What of gossip it needs. */
export type TopicsOfGossip = Pick<
  GossipSub,
  | 'topicValidators'
  | 'subscribe'
  | 'unsubscribe'
  | 'getSubscribers'
  | 'addEventListener'
  | 'removeEventListener'
>

/** Follows nothing before `start`. */
export function createPresenceTopics(
  pubsub: TopicsOfGossip,
  needs: PresenceTopicsNeeds,
): PresenceTopics {
  const { offers, isServer } = needs
  /** Those that are not followed although somebody wants them, and who. */
  const missed = new Map<string, string>()
  const openings = createQuota({
    burst: LANE_TOPICS_OPENED_BURST,
    perSecond: LANE_TOPICS_OPENED_PER_SECOND,
    namesMax: RATE_KEYS_MAX,
  })
  const room = new TopicRoom({
    isFollowed,
    closed(topic, opener) {
      pubsub.unsubscribe(topic)
      if (opener !== undefined && isFollowed(topic)) miss(topic, opener)
    },
  })
  const judge = createJudge(needs, (topic) => room.hear(topic))

  /** Whether somebody follows a topic who is no server. */
  function isFollowed(topic: string): boolean {
    return pubsub.getSubscribers(topic).some((peer) => !isServer(peer.toString()))
  }

  const changed = ({ detail }: CustomEvent<SubscriptionChangeData>) => {
    const peer = detail.peerId.toString()
    for (const { topic, subscribe } of detail.subscriptions) {
      if (subscribe) follow(topic, peer)
      else if (!isFollowed(topic)) {
        missed.delete(topic)
        room.leave(topic)
      }
    }
  }

  function follow(topic: string, peer: string): void {
    if (room.has(topic)) return room.use(topic)
    const place = parseTopic(topic)
    if (place?.carries !== 'presence' || !offers(place.release)) return
    const opener = isServer(peer) ? undefined : peer
    const mayOpen = opener === undefined || openings.take(opener, performance.now())
    if (!mayOpen || !room.enter(topic, opener)) return miss(topic, peer)
    missed.delete(topic)
    pubsub.subscribe(topic)
  }

  function miss(topic: string, peer: string): void {
    missed.delete(topic)
    missed.set(topic, peer)
    const [oldest] = missed.keys()
    if (missed.size > LANE_TOPICS_MAX && oldest !== undefined) missed.delete(oldest)
  }

  function followMissed(): void {
    for (const [topic, peer] of [...missed]) {
      if (room.size >= LANE_TOPICS_MAX) return
      missed.delete(topic)
      if (isFollowed(topic)) follow(topic, peer)
    }
  }

  return {
    get size() {
      return room.size
    },
    start() {
      // One validator for whatever topic a message names: gossip would take one without a validator unread.
      pubsub.topicValidators.get = () => judge
      pubsub.addEventListener('subscription-change', changed)
    },
    stop() {
      pubsub.removeEventListener('subscription-change', changed)
      room.clear()
      missed.clear()
    },
    sweep(nowMs) {
      room.sweep(nowMs)
      followMissed()
    },
  }
}

/** Asks the gate. @param accepted called with the topic of what is accepted. */
function createJudge(
  { gate, isServer, networkOf }: PresenceTopicsNeeds,
  accepted: (topic: string) => void,
): TopicValidatorFn {
  return (source, message) => {
    if (message.type !== 'signed') return TopicValidatorResult.Reject
    const { from, sequenceNumber: number, data: bytes, topic } = message
    const [neighbour, author] = [source.toString(), from.toString()]
    const arrival = {
      source: neighbour,
      isServer: isServer(neighbour),
      network: networkOf(neighbour),
      author,
      topic,
      number,
      bytes,
    }
    const verdict = gate.judgeAdmitted(arrival, performance.now())
    if (verdict === 'accept') accepted(topic)
    return VERDICTS[verdict]
  }
}

const VERDICTS = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
} as const
