import { encodeMessage, laneTopic, presenceTopic, topicRelease } from '@layerswarm/swarm'
import { anyPresence } from '@layerswarm/swarm/testing'
import type { SubscriptionChangeData, TopicValidatorFn } from '@libp2p/gossipsub'
import { describe, expect, test } from 'vitest'
import { LANE_TOPIC_IDLE_MS, LANE_TOPICS_MAX } from './limits.ts'
import { createPresenceGate } from './presence-gate.ts'
import { createPresenceTopics, type TopicsOfGossip } from './presence-topics.ts'

const RELEASE = 'ab'.repeat(32)

/** Gossip without a network: who follows what is said by the test. */
class FakeGossip extends EventTarget {
  readonly topicValidators = new Map<string, TopicValidatorFn>()
  readonly followed: string[] = []
  readonly subscribers = new Map<string, string[]>()

  subscribe(topic: string): void {
    this.followed.push(topic)
  }

  unsubscribe(topic: string): void {
    this.followed.splice(this.followed.indexOf(topic), 1)
  }

  getSubscribers(topic: string): readonly string[] {
    return this.subscribers.get(topic) ?? []
  }

  /** A peer follows a topic, or follows it no more. */
  peerChanges(topic: string, subscribe: boolean, peer = 'peer'): void {
    const others = this.getSubscribers(topic).filter((one) => one !== peer)
    this.subscribers.set(topic, subscribe ? [...others, peer] : others)
    const detail: Pick<SubscriptionChangeData, 'subscriptions'> = {
      subscriptions: [{ topic, subscribe }],
    }
    this.dispatchEvent(new CustomEvent('subscription-change', { detail }))
  }
}

function open() {
  const gossip = new FakeGossip()
  const gate = createPresenceGate()
  const topics = createPresenceTopics(gossip as unknown as TopicsOfGossip, {
    gate,
    offers: (release) => release === topicRelease(RELEASE),
    isServer: (peer) => peer === 'server',
    networkOf: () => undefined,
  })
  topics.start()
  return { gossip, gate, topics }
}

describe('the presence topics of a server', () => {
  test('are those that peers follow, of releases on offer, and never those of steps', () => {
    const { gossip, topics } = open()
    const here = [presenceTopic(RELEASE, 0), presenceTopic(RELEASE, 7)]
    for (const topic of [
      ...here,
      ...here,
      laneTopic(RELEASE, 0),
      presenceTopic('cd'.repeat(32), 0),
      'news',
    ])
      gossip.peerChanges(topic, true)
    expect(gossip.followed).toEqual(here)
    expect(topics.size).toBe(2)
  })

  test('are given up when nobody has followed them for a while', () => {
    const { gossip, topics } = open()
    const [left, kept] = [presenceTopic(RELEASE, 0), presenceTopic(RELEASE, 1)]
    for (const topic of [left, kept]) gossip.peerChanges(topic, true)
    gossip.peerChanges(left, false)
    topics.sweep(0)
    topics.sweep(LANE_TOPIC_IDLE_MS - 1)
    expect(gossip.followed).toEqual([left, kept])
    topics.sweep(LANE_TOPIC_IDLE_MS)
    expect(gossip.followed).toEqual([kept])
  })

  test('of other servers are given up when nothing is heard in them, and not before', async () => {
    const { gossip, topics } = open()
    const [silent, busy] = [presenceTopic(RELEASE, 0), presenceTopic(RELEASE, 1)]
    for (const topic of [silent, busy]) gossip.peerChanges(topic, true, 'server')
    topics.sweep(0)
    const bytes = encodeMessage(anyPresence({ release: RELEASE, lane: 1, layers: [0] }))
    await gossip.topicValidators.get(busy)?.(
      'server' as never,
      { type: 'signed', from: 'author', sequenceNumber: 1n, data: bytes, topic: busy } as never,
    )
    topics.sweep(LANE_TOPIC_IDLE_MS)
    expect(gossip.followed).toEqual([busy])
    topics.sweep(2 * LANE_TOPIC_IDLE_MS)
    expect(gossip.followed).toEqual([])
  })

  test('stay when somebody comes back in time', () => {
    const { gossip, topics } = open()
    const topic = presenceTopic(RELEASE, 0)
    gossip.peerChanges(topic, true)
    gossip.peerChanges(topic, false)
    topics.sweep(0)
    gossip.peerChanges(topic, true)
    topics.sweep(LANE_TOPIC_IDLE_MS)
    gossip.peerChanges(topic, false)
    topics.sweep(LANE_TOPIC_IDLE_MS + 1)
    topics.sweep(2 * LANE_TOPIC_IDLE_MS)
    expect(gossip.followed).toEqual([topic])
  })

  test('are bounded in number', () => {
    const gossip = new FakeGossip()
    const topics = createPresenceTopics(gossip as unknown as TopicsOfGossip, {
      gate: createPresenceGate(),
      offers: () => true,
      isServer: () => false,
      networkOf: () => undefined,
    })
    topics.start()
    for (let i = 0; i < LANE_TOPICS_MAX + 10; i++)
      gossip.peerChanges(presenceTopic(i.toString(16).padStart(32, '0'), 0), true)
    expect(topics.size).toBe(LANE_TOPICS_MAX)
  })

  test('have one judge, who refuses presence in the topic of another lane and what has no topic', async () => {
    const { gossip, gate } = open()
    const bytes = encodeMessage(anyPresence({ release: RELEASE, lane: 1, layers: [0] }))
    const say = (topic: string, sequenceNumber: bigint) =>
      gossip.topicValidators.get(topic)?.(
        'author' as never,
        { type: 'signed', from: 'author', sequenceNumber, data: bytes, topic } as never,
      )
    expect(await say(presenceTopic(RELEASE, 1), 1n)).toBe('accept')
    expect(await say(presenceTopic(RELEASE, 2), 2n)).toBe('reject')
    expect(await say('news', 3n)).toBe('reject')
    expect(gate.peers(performance.now())).toHaveLength(1)
    expect(gate.counts.refused['not-presence']).toBe(2)
  })
})
