import { randomBytes } from 'node:crypto'
import {
  askBeforeChecking,
  createTurns,
  encodeMessage,
  GOSSIP_CONTROLS_BURST,
  GOSSIP_TURN_MS,
  LANE_MESSAGES_BURST,
  laneTopic,
  type Message,
  peerIdOfKey,
  type RawMessage,
  REJECTS_PER_NEIGHBOUR_MAX,
  type RequestId,
} from '@layerswarm/swarm'
import type { PeerId } from '@libp2p/interface'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { directConnection } from '../node/peer-connections.ts'
import { chain, closeLanes, type LaneMember } from '../testing/test-lane.ts'
import { eventually, RELEASE } from '../testing/test-nodes.ts'
import { afterTurn } from './after-turn.ts'

afterEach(async () => {
  vi.restoreAllMocks()
  await closeLanes()
})

const done = (): Message => ({
  kind: 'done',
  isPublic: true,
  request: randomBytes(16).toString('hex') as RequestId,
})

/** A gossipsub that notes what it checks, takes so long over it, and finds what it is told. */
function gossip(
  checked: { code: string; msgIdStr?: string } = { code: 'valid', msgIdStr: 'x' },
  checkMs = 0,
) {
  const seen = new Set<string>()
  const pubsub = {
    handled: [] as RawMessage[],
    fastMsgIdFn: ({ seqno = Uint8Array.of() }: RawMessage) => String(seqno),
    fastMsgIdCache: { get: (id: string) => (seen.has(id) ? 'x' : undefined) },
    validateReceivedMessage: async (_: PeerId, __: RawMessage) => checked,
    async handleReceivedMessage(neighbour: PeerId, message: RawMessage) {
      const beganMs = performance.now()
      while (performance.now() < beganMs + checkMs);
      this.handled.push(message)
      seen.add(this.fastMsgIdFn(message))
      await this.validateReceivedMessage(neighbour, message)
    },
  }
  const asked: { author: string; topic: string }[] = []
  const forged: string[] = []
  const answer = { admits: true, isBanned: false, isPlain: true }
  const admission = {
    admits(_: string, { topic }: RawMessage, author: string) {
      asked.push({ author, topic })
      return answer.admits
    },
    isPlain: () => answer.isPlain,
    isBanned: () => answer.isBanned,
    blame: (neighbour: string) => forged.push(neighbour),
  }
  const turns = createTurns({ nowMs: () => performance.now(), afterTurn })
  const end = askBeforeChecking(pubsub, admission, turns)
  const bring = (from: string, number: number) =>
    pubsub.handleReceivedMessage(neighbour, {
      topic: 'lane',
      from: Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20, ...keyOf(from)),
      seqno: Uint8Array.of(number),
    })
  return { pubsub, asked, forged, answer, end, bring }
}

const neighbour = { toString: () => 'anna' } as unknown as PeerId

/** The public key of somebody; that of "anybody" is one in whose name anybody can sign. */
function keyOf(name: string): Buffer {
  return name === 'anybody'
    ? Buffer.alloc(32, Uint8Array.of(1, ...new Uint8Array(31)))
    : Buffer.alloc(32, name)
}

describe('a gossiped message', () => {
  test('is asked about before its signature is checked', async () => {
    const { bring, asked, pubsub } = gossip()
    await bring('anna', 1)
    await bring('ben', 2)
    expect(asked.map(({ author }) => author)).toEqual(['anna', 'ben'].map(keyOf).map(peerIdOfKey))
    expect(pubsub.handled).toHaveLength(2)
  })

  test('of nobody who can sign is blamed on its neighbour unasked', async () => {
    const { bring, asked, forged, pubsub } = gossip()
    await bring('anybody', 1)
    await pubsub.handleReceivedMessage(neighbour, { topic: 'lane', from: Uint8Array.of(1, 2, 3) })
    await pubsub.handleReceivedMessage(neighbour, { topic: 'lane' })
    expect(asked).toEqual([])
    expect(pubsub.handled).toEqual([])
    expect(forged).toEqual(['anna', 'anna', 'anna'])
  })

  test('of which other platforms would say that it is not signed is not, here either', async () => {
    const { bring, answer, forged } = gossip()
    answer.isPlain = false
    await bring('ben', 1)
    expect(forged).toEqual(['anna'])
  })

  test('that is not admitted is not looked at, and is admitted when another brings it', async () => {
    const { bring, answer, pubsub } = gossip()
    answer.admits = false
    await bring('ben', 1)
    expect(pubsub.handled).toEqual([])
    answer.admits = true
    await bring('ben', 1)
    expect(pubsub.handled).toHaveLength(1)
  })

  test('that was heard before counts for nothing', async () => {
    const { bring, asked } = gossip()
    for (let i = 0; i < 5; i++) await bring('ben', 1)
    expect(asked).toHaveLength(1)
  })

  test.each([
    ['nobody has signed', { code: 'invalid' }, ['anna']],
    ['its validator refused', { code: 'invalid', msgIdStr: 'x' }, []],
    ['is fine', { code: 'valid', msgIdStr: 'x' }, []],
  ])('that %s is blamed on the neighbour for its signature alone', async (_, checked, blamed) => {
    const { bring, forged } = gossip(checked)
    await bring('ben', 1)
    expect(forged).toEqual(blamed)
  })

  test('of hundreds at once leaves timers their turn', async () => {
    const { bring, pubsub } = gossip(undefined, 1)
    const handled: number[] = []
    const timer = setInterval(() => handled.push(pubsub.handled.length), 1)
    await Promise.all(Array.from({ length: 250 }, (_, number) => bring('ben', number)))
    clearInterval(timer)
    expect(pubsub.handled).toHaveLength(250)
    expect(handled[0]).toBeLessThan(4 * GOSSIP_TURN_MS)
    expect(handled.length).toBeGreaterThan(250 / (4 * GOSSIP_TURN_MS))
  })

  test('that waits when its neighbour is banned is not looked at any more', async () => {
    const { bring, answer, pubsub } = gossip()
    const brought = Promise.all(Array.from({ length: 50 }, (_, number) => bring('anna', number)))
    answer.isBanned = true
    await brought
    expect(pubsub.handled.length).toBeLessThan(50)
  })

  test('is asked about no more when that has ended', async () => {
    const { bring, asked, end, pubsub } = gossip()
    end()
    await bring('ben', 1)
    expect(asked).toEqual([])
    expect(pubsub.handled).toHaveLength(1)
  })
})

/** How often a signature is checked from now on, by anybody. */
function countChecks({ node }: LaneMember) {
  const { publicKey } = node.peerId
  return vi.spyOn(Object.getPrototypeOf(publicKey), 'verify')
}

describe('a neighbour that floods', { timeout: 30_000 }, () => {
  test('has no more signatures checked than messages may be its own, and is hung up on', async () => {
    const [flooder, victim] = (await chain(2)) as [LaneMember, LaneMember]
    const checks = countChecks(victim)
    const { pubsub } = flooder.node.services
    for (let i = 0; i < 2_000; i++)
      await pubsub.publish(laneTopic(RELEASE, 0), encodeMessage(done())).catch(() => undefined)
    await eventually(
      'the hang-up',
      () => directConnection(victim.node, flooder.transport.self) === undefined,
    )
    expect(victim.gate.isBanned(flooder.transport.self, performance.now())).toBe(true)
    expect(victim.heard.length).toBeGreaterThan(0)
    // Those of the burst, and what came back while the flood lasted.
    expect(checks.mock.calls.length).toBeLessThan(LANE_MESSAGES_BURST + 400)
    expect(checks.mock.calls.length - victim.heard.length).toBeLessThan(20)
  })

  test('with messages that nobody has signed is hung up on after a few', async () => {
    const [liar, victim] = (await chain(2)) as [LaneMember, LaneMember]
    const checks = countChecks(victim)
    const forge = (number: number) => ({
      topic: laneTopic(RELEASE, 0),
      from: liar.node.peerId.toMultihash().bytes,
      seqno: Uint8Array.of(0, 0, 0, 0, 0, 0, number >> 8, number & 255),
      data: encodeMessage(done()),
      signature: new Uint8Array(64),
    })
    const pubsub = liar.node.services.pubsub as unknown as Speaker
    for (let i = 0; i < 200; i++)
      pubsub.sendRpc(victim.transport.self, { subscriptions: [], messages: [forge(i)] })
    await eventually(
      'the hang-up',
      () => directConnection(victim.node, liar.transport.self) === undefined,
    )
    expect(victim.gate.isBanned(liar.transport.self, performance.now())).toBe(true)
    expect(checks.mock.calls.length).toBeGreaterThanOrEqual(REJECTS_PER_NEIGHBOUR_MAX)
    expect(victim.heard).toEqual([])
    expect(victim.transport.refusals.last).toContain('nobody has signed it')
  })

  test('with control that it answers each time is hung up on, and hardly any of it is heeded', async () => {
    const [flooder, victim] = (await chain(2)) as [LaneMember, LaneMember]
    const pubsub = flooder.node.services.pubsub as unknown as Speaker
    const heeded = vi.spyOn(victim.node.services.pubsub as unknown as Heeding, 'handleGraft')
    const topicID = laneTopic(RELEASE, 0)
    const graft = Array.from({ length: 60 }, () => ({ topicID }))
    for (let i = 0; i < 200; i++)
      pubsub.sendRpc(victim.transport.self, { subscriptions: [], messages: [], control: { graft } })
    await eventually(
      'the hang-up',
      () => directConnection(victim.node, flooder.transport.self) === undefined,
    )
    const grafts = heeded.mock.calls.reduce((sum, [, all]) => sum + all.length, 0)
    expect(grafts).toBeGreaterThan(0)
    expect(grafts).toBeLessThanOrEqual(GOSSIP_CONTROLS_BURST + 60)
    expect(victim.transport.refusals.last).toContain('more control of gossip')
  })

  test('with more in a frame than there may be is hung up on unread', async () => {
    const [flooder, victim] = (await chain(2)) as [LaneMember, LaneMember]
    const pubsub = flooder.node.services.pubsub as unknown as Speaker
    const heeded = vi.spyOn(victim.node.services.pubsub as unknown as Heeding, 'handleGraft')
    const graft = Array.from({ length: 5_000 }, () => ({ topicID: 'x' }))
    const before = heeded.mock.calls.length
    for (let i = 0; i < REJECTS_PER_NEIGHBOUR_MAX; i++)
      pubsub.sendRpc(victim.transport.self, { subscriptions: [], messages: [], control: { graft } })
    await eventually(
      'the hang-up',
      () => directConnection(victim.node, flooder.transport.self) === undefined,
    )
    expect(heeded.mock.calls.slice(before).every(([, all]) => all.length < 5_000)).toBe(true)
    expect(victim.transport.refusals.last).toContain('cannot be read')
  })
})

/** What of gossipsub says a frame. */
interface Speaker {
  sendRpc(peer: string, rpc: object): boolean
}

/** What of gossipsub heeds control. */
interface Heeding {
  handleGraft(peer: string, graft: readonly object[]): Promise<object[]>
}
