import { describe, expect, test } from 'vitest'
import { withOwnLink } from '../chain/own-link.ts'
import { LANES_MAX } from '../limits.ts'
import { chainOf } from '../testing/any-chain.ts'
import { anyPresence } from '../testing/any-presence.ts'
import {
  encodeMessage,
  type Hop,
  type Message,
  type PeerId,
  type RequestId,
  type Step,
} from '../wire/messages.ts'
import { laneTopic, parseTopic, presenceTopic, topicRelease } from '../wire/topics.ts'
import { judgeMessage } from './message-rules.ts'
import { stepFault } from './step-fault.ts'

const RELEASE = 'ab'.repeat(32)
const SHAPE = Object.freeze({ layers: 4, tokens: 5, width: 8 })
const LANE = laneTopic(RELEASE, 3)
const PRESENCE = presenceTopic(RELEASE, 3)
const [ASKER, RUNNER, STRANGER] = ['asker', 'runner', 'stranger'] as PeerId[]
const request = '11'.repeat(16) as RequestId

function hop(layer: number): Hop {
  return { layer, peer: RUNNER ?? fail(), backend: 'reference', ms: 1 }
}

function fail(): never {
  throw new Error('unreachable')
}

function step(route: readonly Hop[]): Step {
  const { tokens, width } = SHAPE
  const bytes = new Uint8Array(tokens * width * 2)
  return {
    kind: 'step',
    input: undefined,
    next: undefined,
    silent: [],
    barred: [],
    isPrivate: false,
    request,
    requester: ASKER ?? fail(),
    endsAtMs: 1_000,
    era: 0,
    route,
    chain: chainOf(route, { isOpen: true }),
    plan: [],
    activation: { place: 'inline', dtype: 'float16', batch: 1, tokens, width, bytes },
    remainingMs: 1_000,
  }
}

function presence(address: string): Message {
  return anyPresence({ release: RELEASE, lane: 3, layers: [1], addresses: [address] })
}

const claim: Message = { kind: 'claim', lost: false, request, era: 0, hop: 0, layer: 1, ttlMs: 500 }

function verdict(
  message: Message,
  author: PeerId | undefined,
  topic: string | undefined = LANE,
): string {
  const judged = judgeMessage(encodeMessage(message), topic, author ?? fail(), SHAPE)
  return 'fault' in judged ? judged.fault : judged.message.kind
}

describe('the rules of what a peer may say', () => {
  test('allow a step to its requester and to whoever says the last link of its chain', () => {
    expect(verdict(step([]), ASKER)).toBe('step')
    expect(verdict(step([hop(1)]), RUNNER)).toBe('step')
    const vouched = withOwnLink(step([hop(1)]), ASKER ?? fail())
    expect(verdict(vouched, ASKER)).toBe('step')
    expect(verdict(withOwnLink(step([hop(1)]), STRANGER ?? fail()), STRANGER)).toBe('step')
  })

  test('refuse a step of anybody else, and one whose chain leaves out a layer', () => {
    expect(verdict(step([]), STRANGER)).toContain('not in charge')
    expect(verdict(step([hop(1)]), STRANGER)).toContain('not in charge')
    expect(verdict({ ...step([hop(1)]), chain: [] }, RUNNER)).toContain('no link')
    expect(verdict({ ...step([hop(1)]), chain: step([]).chain }, ASKER)).toContain('nobody signed')
  })

  test('refuse a step that names another than its last link does', () => {
    expect(verdict({ ...step([hop(1)]), next: STRANGER }, RUNNER)).toContain('names another')
  })

  test('refuse a step that applies a layer twice or one that does not exist', () => {
    expect(verdict(step([hop(1), hop(1)]), RUNNER)).toContain('twice')
    expect(verdict(step([hop(SHAPE.layers)]), RUNNER)).toContain('does not exist')
  })

  test('refuse a step of a release that keeps its order in any other', () => {
    const kept = { ...SHAPE, keepsOrder: true }
    const of = (message: Step, author: PeerId | undefined) =>
      stepFault(message, author ?? fail(), kept)
    const wrong = 'not in the order that this release keeps'
    expect(of({ ...step([]), plan: [0, 1, 2, 3] }, ASKER)).toBeUndefined()
    expect(of({ ...step([hop(1)]), plan: [1, 3] }, RUNNER)).toBeUndefined()
    expect(of(step([]), ASKER)).toBe(wrong)
    expect(of(step([hop(1)]), RUNNER)).toBe(wrong)
    expect(of({ ...step([]), plan: [1, 0] }, ASKER)).toBe(wrong)
    expect(of({ ...step([hop(1)]), plan: [0, 1, 2, 3] }, RUNNER)).toBe('the route leaves its plan')
    expect(stepFault(step([]), ASKER ?? fail(), SHAPE)).toBeUndefined()
  })

  test('keep presence and lane apart', () => {
    const mine = presence(`/ip4/127.0.0.1/tcp/1/p2p/${ASKER}`)
    expect(verdict(mine, ASKER, PRESENCE)).toBe('presence')
    expect(verdict(mine, ASKER, LANE)).toContain('wrong topic')
    expect(verdict(claim, ASKER, LANE)).toBe('claim')
    expect(verdict(claim, ASKER, PRESENCE)).toContain('wrong topic')
  })

  test('keep the presence of lanes and of releases apart', () => {
    const mine = presence(`/ip4/127.0.0.1/tcp/1/p2p/${ASKER}`)
    expect(verdict(mine, ASKER, presenceTopic(RELEASE, 2))).toContain('another lane')
    expect(verdict(mine, ASKER, presenceTopic('cd'.repeat(32), 3))).toContain('another lane')
    expect(verdict(mine, ASKER, 'news')).toContain('wrong topic')
  })

  test('let everything be told, of whatever lane', () => {
    const mine = presence(`/ip4/127.0.0.1/tcp/1/p2p/${ASKER}`)
    for (const message of [mine, claim, step([])]) {
      const judged = judgeMessage(encodeMessage(message), undefined, ASKER ?? fail(), SHAPE)
      expect(judged).toHaveProperty('message')
    }
  })

  test('refuse to send others to an address that is not the author’s', () => {
    const theirs = presence(`/ip4/127.0.0.1/tcp/1/p2p/${STRANGER}`)
    expect(verdict(theirs, ASKER, PRESENCE)).toContain('somebody else')
    const none = anyPresence({ release: RELEASE, lane: 3, addresses: undefined })
    expect(verdict(none, ASKER, PRESENCE)).toBe('presence')
  })

  test('refuse presence that counts a layer more than once', () => {
    const twice = anyPresence({ release: RELEASE, lane: 3, layers: [1, 2, 1] })
    expect(verdict(twice, ASKER, PRESENCE)).toContain('twice')
  })

  test('refuse bytes that are no message', () => {
    const bytes = encodeMessage(claim)
    for (const broken of [bytes.subarray(0, 5), new Uint8Array(), Uint8Array.of(...bytes, 0)]) {
      expect(judgeMessage(broken, LANE, ASKER ?? fail(), SHAPE)).toHaveProperty('fault')
    }
  })
})

describe('a topic', () => {
  test('says what it carries, of which lane of which release', () => {
    expect(parseTopic(LANE)).toEqual({ carries: 'lane', release: topicRelease(RELEASE), lane: 3 })
    expect(parseTopic(PRESENCE)).toEqual({
      carries: 'presence',
      release: topicRelease(RELEASE),
      lane: 3,
    })
  })

  test('is none of this protocol’s with another version, a short release or a lane that cannot be', () => {
    const foreign = [
      LANE.replace('/5/', '/4/'),
      laneTopic('ab', 0),
      laneTopic(RELEASE, LANES_MAX),
      `${laneTopic(RELEASE, 0)}1x`,
      laneTopic(RELEASE, 0).replace('/0', '/00'),
      '',
    ]
    for (const topic of foreign) expect(parseTopic(topic)).toBeUndefined()
  })
})

describe('a round', () => {
  const { tokens, width } = SHAPE
  const bytes = new Uint8Array(tokens * width * 2)
  const tensor = { place: 'inline', dtype: 'float16', batch: 1, tokens, width, bytes } as const
  const asked = { kind: 'round', request, round: 0, layers: [1, 2], input: tensor } as const
  const round = { ...asked, remainingMs: 900 }
  const update = {
    kind: 'update',
    request,
    round: 0,
    input: 'cd'.repeat(32) as Extract<Message, { kind: 'update' }>['input'],
    backend: 'reference',
    layers: [{ layer: 1, ms: 2 }],
    sum: tensor,
  } as const

  test('is told, and so is its sum, and a refusal', () => {
    const refusal = { ...update, layers: [], sum: undefined }
    for (const message of [round, update, refusal])
      expect(judgeMessage(encodeMessage(message), undefined, RUNNER ?? fail(), SHAPE)).toEqual({
        message,
      })
  })

  test.each([
    ['gossiped', round, LANE, 'a round in a topic'],
    ['answered by gossip', update, LANE, 'an update in a topic'],
    ['of no layer', { ...round, layers: [] }, undefined, 'a round without a layer'],
    ['of a layer twice', { ...round, layers: [1, 1] }, undefined, 'stands twice'],
    ['of a layer that there is not', { ...round, layers: [4] }, undefined, 'does not exist'],
    ['one too many', { ...round, round: 4 }, undefined, 'more rounds than'],
    ['of another shape', { ...round, input: { ...tensor, width: 9 } }, undefined, 'wrong shape'],
    ['answered with layers and no sum', { ...update, sum: undefined }, undefined, 'has a sum'],
    ['answered with a sum of no layer', { ...update, layers: [] }, undefined, 'has a sum'],
  ] as const)('that is %s is refused', (_what, message, topic, fault) => {
    const judged = judgeMessage(encodeMessage(message), topic, RUNNER ?? fail(), SHAPE)
    expect(judged).toMatchObject({ fault: expect.stringContaining(fault) })
  })

  test('is refused where a release keeps its order', () => {
    const kept = { ...SHAPE, keepsOrder: true }
    for (const message of [round, update]) {
      const judged = judgeMessage(encodeMessage(message), undefined, RUNNER ?? fail(), kept)
      expect(judged).toMatchObject({ fault: expect.stringContaining('keeps its order') })
    }
  })
})
