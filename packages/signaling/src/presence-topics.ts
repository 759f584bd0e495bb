import { parseTopic } from '@layerswarm/swarm'
import {
  type GossipSub,
  type SubscriptionChangeData,
  type TopicValidatorFn,
  TopicValidatorResult,
} from '@libp2p/gossipsub'
import { LANE_TOPIC_IDLE_MS, LANE_TOPICS_MAX } from './limits.ts'
import type { PresenceGate } from './presence-gate.ts'

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
 *    release on offer, until for LANE_TOPIC_IDLE_MS nobody has followed it and nothing was heard in it.
 *    Other servers do not count as followers: two would keep each other at it for ever.
 * 2. At most LANE_TOPICS_MAX are followed.
 * 3. What comes in any other topic is dropped, and judged as what it is: not presence.
 */
export interface PresenceTopics {
  start(): void
  stop(): void
  /** Gives up what nobody follows any more. */
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
  { gate, offers, isServer, networkOf }: PresenceTopicsNeeds,
): PresenceTopics {
  /** Since when a topic is of no use; undefined while it is. */
  const followed = new Map<string, number | undefined>()

  const judge: TopicValidatorFn = (source, message) => {
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
    if (verdict === 'accept' && followed.has(topic)) followed.set(topic, undefined)
    return VERDICTS[verdict]
  }

  /** Whether somebody follows a topic who is no server. */
  function isFollowed(topic: string): boolean {
    return pubsub.getSubscribers(topic).some((peer) => !isServer(peer.toString()))
  }

  const changed = ({ detail }: CustomEvent<SubscriptionChangeData>) => {
    for (const { topic, subscribe } of detail.subscriptions) if (subscribe) follow(topic)
  }

  function follow(topic: string): void {
    if (followed.has(topic)) {
      followed.set(topic, undefined)
      return
    }
    const place = parseTopic(topic)
    if (place?.carries !== 'presence' || !offers(place.release)) return
    if (followed.size >= LANE_TOPICS_MAX) return
    followed.set(topic, undefined)
    pubsub.subscribe(topic)
  }

  return {
    get size() {
      return followed.size
    },
    start() {
      // One validator for whatever topic a message names: gossip would take one without a validator unread.
      pubsub.topicValidators.get = () => judge
      pubsub.addEventListener('subscription-change', changed)
    },
    stop() {
      pubsub.removeEventListener('subscription-change', changed)
      followed.clear()
    },
    sweep(nowMs) {
      for (const [topic, idleSinceMs] of followed) {
        if (isFollowed(topic)) followed.set(topic, undefined)
        else if (idleSinceMs === undefined) followed.set(topic, nowMs)
        else if (nowMs - idleSinceMs >= LANE_TOPIC_IDLE_MS) {
          followed.delete(topic)
          pubsub.unsubscribe(topic)
        }
      }
    },
  }
}

const VERDICTS = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
} as const
