import { encodeMessage, laneTopic, presenceTopic, topicRelease } from '@layerswarm/swarm'
import { anyPresence } from '@layerswarm/swarm/testing'
import type { TopicValidatorFn } from '@libp2p/gossipsub'
import { describe, expect, test } from 'vitest'
import {
  LANE_TOPIC_IDLE_MS,
  LANE_TOPICS_LEFT_PER_PEER_MAX,
  LANE_TOPICS_MAX,
  LANE_TOPICS_OPENED_BURST,
} from './limits.ts'
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
    const detail = { peerId: peer, subscriptions: [{ topic, subscribe }] }
    this.dispatchEvent(new CustomEvent('subscription-change', { detail }))
  }

  /** Somebody's first presence comes in the topic of a lane, from a neighbour. */
  async hear(lane: number, author: string, neighbour = author, release = RELEASE): Promise<void> {
    const topic = presenceTopic(release, lane)
    const data = encodeMessage(anyPresence({ release, lane, layers: [0] }))
    const message = { type: 'signed', from: author, sequenceNumber: 1n, data, topic }
    const judge = this.topicValidators.get(topic)
    expect(await judge?.(neighbour as never, message as never)).toBe('accept')
  }
}

function open(offers = (release: string) => release === topicRelease(RELEASE)) {
  const gossip = new FakeGossip()
  const gate = createPresenceGate()
  const topics = createPresenceTopics(gossip as unknown as TopicsOfGossip, {
    gate,
    offers,
    isServer: (peer) => peer === 'server',
    networkOf: () => undefined,
  })
  topics.start()
  return { gossip, gate, topics }
}

/** Topics of lane 0, of as many releases. */
function topicsOf(count: number): string[] {
  return Array.from({ length: count }, (_, at) => presenceTopic(releaseAt(at), 0))
}

function releaseAt(at: number): string {
  return at.toString(16).padStart(32, '0').padEnd(64, '0')
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

  test('are given up when nobody has followed them for a while', async () => {
    const { gossip, topics } = open()
    const [left, kept] = [presenceTopic(RELEASE, 0), presenceTopic(RELEASE, 1)]
    for (const topic of [left, kept]) gossip.peerChanges(topic, true)
    await gossip.hear(0, 'peer')
    gossip.peerChanges(left, false)
    topics.sweep(0)
    topics.sweep(LANE_TOPIC_IDLE_MS - 1)
    expect(gossip.followed).toEqual([left, kept])
    topics.sweep(LANE_TOPIC_IDLE_MS)
    expect(gossip.followed).toEqual([kept])
  })

  test('in which nobody was ever heard are given up with their last follower', () => {
    const { gossip } = open()
    const topic = presenceTopic(RELEASE, 0)
    for (const peer of ['one', 'two', 'server']) gossip.peerChanges(topic, true, peer)
    gossip.peerChanges(topic, false, 'one')
    expect(gossip.followed).toEqual([topic])
    gossip.peerChanges(topic, false, 'two')
    expect(gossip.followed).toEqual([])
  })

  test('of other servers are given up when nothing is heard in them, and not before', async () => {
    const { gossip, topics } = open()
    const [silent, busy] = [presenceTopic(RELEASE, 0), presenceTopic(RELEASE, 1)]
    for (const topic of [silent, busy]) gossip.peerChanges(topic, true, 'server')
    topics.sweep(0)
    await gossip.hear(1, 'author', 'server')
    topics.sweep(LANE_TOPIC_IDLE_MS)
    expect(gossip.followed).toEqual([busy])
    topics.sweep(2 * LANE_TOPIC_IDLE_MS)
    expect(gossip.followed).toEqual([])
  })

  test('stay when somebody comes back in time', async () => {
    const { gossip, topics } = open()
    const topic = presenceTopic(RELEASE, 0)
    gossip.peerChanges(topic, true)
    await gossip.hear(0, 'peer')
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
    const { gossip, topics } = open(() => true)
    topicsOf(LANE_TOPICS_MAX + 10).map((topic, at) => gossip.peerChanges(topic, true, `peer ${at}`))
    expect(topics.size).toBe(LANE_TOPICS_MAX)
    expect(gossip.followed).toHaveLength(LANE_TOPICS_MAX)
  })

  test('without followers make room for another, those first that have been so for longest', async () => {
    const { gossip } = open(() => true)
    const all = topicsOf(LANE_TOPICS_MAX)
    for (const [at, topic] of all.entries()) {
      gossip.peerChanges(topic, true, `peer ${at}`)
      await gossip.hear(0, `peer ${at}`, 'server', releaseAt(at))
    }
    for (const at of [7, 3]) gossip.peerChanges(all[at] as string, false, `peer ${at}`)
    const more = [presenceTopic(RELEASE, 1), presenceTopic(RELEASE, 2)]
    gossip.peerChanges(more[0] as string, true)
    expect(all.filter((topic) => !gossip.followed.includes(topic))).toEqual([all[7]])
    gossip.peerChanges(more[1] as string, true)
    expect(gossip.followed).toEqual([...all.filter((_, at) => at !== 7 && at !== 3), ...more])
  })

  test('in which nobody was ever heard make room for another, the oldest first', async () => {
    const { gossip } = open(() => true)
    const all = topicsOf(LANE_TOPICS_MAX)
    all.map((topic, at) => gossip.peerChanges(topic, true, `peer ${at}`))
    await gossip.hear(0, 'peer 0', 'server', releaseAt(0))
    const another = presenceTopic(RELEASE, 1)
    gossip.peerChanges(another, true)
    expect(gossip.followed).toEqual([all[0], ...all.slice(2), another])
  })

  test('that find no room are followed once there is some', async () => {
    const { gossip, topics } = open(() => true)
    const all = topicsOf(LANE_TOPICS_MAX)
    for (const [at, topic] of all.entries()) {
      gossip.peerChanges(topic, true, `peer ${at}`)
      await gossip.hear(0, `peer ${at}`, 'server', releaseAt(at))
    }
    const another = presenceTopic(RELEASE, 1)
    gossip.peerChanges(another, true)
    expect(gossip.followed).toEqual(all)
    gossip.peerChanges(all[5] as string, false, 'peer 5')
    for (const nowMs of [0, LANE_TOPIC_IDLE_MS]) topics.sweep(nowMs)
    expect(gossip.followed).toEqual([...all.filter((_, at) => at !== 5), another])
  })

  test('that one peer has opened and left are kept in a small number', async () => {
    const { gossip, topics } = open()
    const lanes = Array.from({ length: LANE_TOPICS_LEFT_PER_PEER_MAX + 3 }, (_, lane) => lane)
    for (const lane of lanes) {
      gossip.peerChanges(presenceTopic(RELEASE, lane), true)
      await gossip.hear(lane, `author ${lane}`, 'server')
      gossip.peerChanges(presenceTopic(RELEASE, lane), false)
    }
    topics.sweep(0)
    const kept = lanes.slice(3).map((lane) => presenceTopic(RELEASE, lane))
    expect(gossip.followed).toEqual(kept)
  })

  test('that one peer opens are few at once, and those of others and of servers as many as ever', () => {
    const { gossip } = open()
    const lanes = Array.from({ length: 2 * LANE_TOPICS_OPENED_BURST }, (_, lane) => lane)
    const [few, rest] = [lanes.slice(0, LANE_TOPICS_OPENED_BURST), lanes]
    for (const lane of lanes) gossip.peerChanges(presenceTopic(RELEASE, lane), true)
    expect(gossip.followed).toEqual(few.map((lane) => presenceTopic(RELEASE, lane)))
    for (const lane of rest) gossip.peerChanges(presenceTopic(RELEASE, lane), true, 'server')
    expect(gossip.followed).toEqual(rest.map((lane) => presenceTopic(RELEASE, lane)))
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
