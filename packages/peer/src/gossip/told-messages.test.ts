import { randomBytes } from 'node:crypto'
import {
  encodeMessage,
  LANE_MESSAGES_BURST,
  laneTopic,
  MESSAGE_BYTES_MAX,
  type Message,
  OVER_RATE_BURST,
  type PeerId,
  REJECTS_PER_NEIGHBOUR_MAX,
  type RequestId,
  TOLD_MESSAGES_BURST,
} from '@layerswarm/swarm'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { directConnection } from '../node/peer-connections.ts'
import { TELL_PROTOCOL } from '../streams/tell-streams.ts'
import {
  at,
  chain,
  closeLanes,
  firstStep,
  joinLane,
  type LaneMember,
  meet,
  presenceOf,
} from '../testing/test-lane.ts'
import { addressesOf, createTestBootstrap, eventually, RELEASE } from '../testing/test-nodes.ts'

afterEach(closeLanes)

const done = (): Message => ({
  kind: 'done',
  isPublic: true,
  request: randomBytes(16).toString('hex') as RequestId,
})

/** Opens a stream of told messages by hand. */
async function tellStream({ node }: LaneMember, to: LaneMember) {
  const connection = directConnection(node, to.transport.self)
  if (connection === undefined) throw new Error('no connection')
  const stream = await connection.newStream(TELL_PROTOCOL, { maxOutboundStreams: 10 })
  return { stream, frames: lpStream(stream) }
}

describe('a told message', { timeout: 30_000 }, () => {
  test('of every kind arrives as it was said, a step included, and is counted', async () => {
    const [author, told] = (await chain(2)) as [LaneMember, LaneMember]
    const step = firstStep(author.transport.self)
    author.transport.tell(step, told.transport.self)
    const heard = await eventually('the step', () => told.heard[0])
    expect(heard).toEqual({ from: author.transport.self, message: step })
    const size = encodeMessage(step).length
    expect(told.transport.bytes.gossipIn).toBe(size)
    expect(author.transport.bytes).toMatchObject({ gossipOut: size, toldOverRelay: 0 })
  })

  test('crosses one stream, however many there are, and another when that breaks', async () => {
    const [author, told] = (await chain(2)) as [LaneMember, LaneMember]
    const lines = () =>
      directConnection(told.node, author.transport.self)?.streams.filter(
        ({ protocol, direction }) => protocol === TELL_PROTOCOL && direction === 'inbound',
      ) ?? []
    for (let i = 0; i < 600; i++) {
      author.transport.tell(done(), told.transport.self)
      if (i % 100 === 99) await eventually('what was told', () => told.heard.length === i + 1)
    }
    expect(lines()).toHaveLength(1)
    for (const stream of lines()) stream.abort(new Error('broken'))
    await eventually('the end of the stream', () => lines().length === 0)
    await eventually('a message after it', () => {
      author.transport.tell(done(), told.transport.self)
      return told.heard.length > 600
    })
    expect(lines()).toHaveLength(1)
  })

  test('whose length has no end loses its stream', async () => {
    const [liar, victim] = (await chain(2)) as [LaneMember, LaneMember]
    const { stream } = await tellStream(liar, victim)
    stream.send(new Uint8Array(64).fill(0x80))
    await eventually('the abort', () => stream.status !== 'open')
    expect(victim.heard).toEqual([])
  })

  test('that are more than anybody needs are heard at their rate, until their author is hung up on', async () => {
    const [flood, victim] = (await chain(2)) as [LaneMember, LaneMember]
    const { frames } = await tellStream(flood, victim)
    // The clock of the quota stands, so that nothing comes back meanwhile.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    try {
      const most = TOLD_MESSAGES_BURST + OVER_RATE_BURST
      for (let sent = 0; sent < most; sent += 100)
        await frames.writeV(Array.from({ length: 100 }, () => encodeMessage(done())))
      await eventually(
        'the flood',
        () => victim.transport.bytes.gossipIn >= most * encodeMessage(done()).length,
      )
      expect(victim.heard).toHaveLength(TOLD_MESSAGES_BURST)
      expect(directConnection(victim.node, flood.transport.self)).toBeDefined()
      await frames.write(encodeMessage(done()))
      await eventually(
        'the hang-up',
        () => directConnection(victim.node, flood.transport.self) === undefined,
      )
    } finally {
      clock.mockRestore()
    }
    expect(victim.heard).toHaveLength(TOLD_MESSAGES_BURST)
    expect(victim.transport.refusals.last).toContain('more messages than anybody needs')
  })

  test('does not count in the quota of what its author gossips', async () => {
    const [author, victim] = (await chain(2)) as [LaneMember, LaneMember]
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    try {
      for (let i = 0; i < LANE_MESSAGES_BURST + 20; i++) author.transport.publish(done())
      await author.transport.flush()
      await eventually('the gossip', () => victim.heard.length >= LANE_MESSAGES_BURST)
      author.transport.tell(done(), victim.transport.self)
      await eventually('what is told', () => victim.heard.length > LANE_MESSAGES_BURST)
    } finally {
      clock.mockRestore()
    }
    expect(victim.heard).toHaveLength(LANE_MESSAGES_BURST + 1)
  })

  test('that is garbage costs its stream, and its author the connection when it goes on', async () => {
    const [liar, victim] = (await chain(2)) as [LaneMember, LaneMember]
    for (let i = 0; i < REJECTS_PER_NEIGHBOUR_MAX; i++) {
      const { stream, frames } = await tellStream(liar, victim)
      await frames.write(Uint8Array.of(77, i))
      await eventually('the abort', () => stream.status !== 'open')
    }
    await eventually(
      'the hang-up',
      () => directConnection(victim.node, liar.transport.self) === undefined,
    )
    expect(victim.gate.isBanned(liar.transport.self, performance.now())).toBe(true)
    expect(victim.heard).toEqual([])
  })

  test('that is longer than a message may be is not read', async () => {
    const [liar, victim] = (await chain(2)) as [LaneMember, LaneMember]
    const { stream, frames } = await tellStream(liar, victim)
    await frames.write(new Uint8Array(MESSAGE_BYTES_MAX + 1))
    await eventually('the abort', () => stream.status !== 'open')
    expect(victim.transport.bytes.gossipIn).toBe(0)
  })

  test('that is presence does not make what its author gossips later old news', async () => {
    const [author, told] = (await chain(2)) as [LaneMember, LaneMember]
    const presences = [0, 1, 2].map((sequence) => ({ ...presenceOf(author), sequence }))
    for (const [i, presence] of presences.entries()) {
      if (i === 1) author.transport.tell(presence, told.transport.self)
      else author.transport.publish(presence)
      await eventually('the presence', () => told.heard.length > i)
    }
    expect(told.heard.map(({ message }) => message)).toEqual(presences)
    expect(told.transport.refusals.count).toBe(0)
  })

  test('never crosses a relay', async () => {
    const bootstrap = await createTestBootstrap(await generateKeyPair('Ed25519'))
    const members = [await joinLane({ relayed: true }), await joinLane({ relayed: true })]
    try {
      const [author, told] = [at(members, 0), at(members, 1)]
      for (const { node } of members)
        await node.dial(addressesOf(bootstrap).map((address) => multiaddr(address)))
      const circuit = await eventually('the reservation', () => addressesOf(told.node)[0])
      const connection = await author.node.dial(multiaddr(circuit))
      expect(connection.limits).toBeDefined()
      author.transport.tell(done(), told.transport.self)
      await expect(
        connection
          .newStream(TELL_PROTOCOL, { runOnLimitedConnection: true, negotiateFully: true })
          .then((stream) => lpStream(stream).write(encodeMessage(done())))
          .then(() => new Promise((resolve) => setTimeout(resolve, 100)))
          .then(() => {
            if (told.heard.length === 0) throw new Error('nothing was heard')
          }),
      ).rejects.toThrow()
      expect(told.heard).toEqual([])
      expect(author.transport.reaches(told.transport.self)).toBe(false)
      expect(author.transport.neighbours()).toEqual([])
    } finally {
      await closeLanes()
      await bootstrap.stop()
    }
  })
})

describe('a peer that speaks protocol version 3', { timeout: 30_000 }, () => {
  test('is refused with one line that says so, gossiped or told, and nothing breaks', async () => {
    const [old, peer] = (await chain(2)) as [LaneMember, LaneMember]
    const bytes = encodeMessage(firstStep(old.transport.self))
    bytes[0] = 3
    const line = `refused a message of ${old.transport.self}: bad message: protocol version 3, this peer speaks 5`
    await old.node.services.pubsub.publish(laneTopic(RELEASE, 0), bytes)
    await eventually('the refusal', () => peer.transport.refusals.count === 1)
    expect(peer.transport.refusals.last).toBe(line)
    const { frames } = await tellStream(old, peer)
    await frames.write(bytes)
    await eventually('the second refusal', () => peer.transport.refusals.count === 2)
    expect(peer.transport.refusals.last).toBe(line)
    // Both go on: what is said in this version is heard.
    const step = firstStep(old.transport.self)
    old.transport.tell(step, peer.transport.self)
    await eventually('the step', () => peer.heard.length > 0)
    expect(peer.heard).toEqual([{ from: old.transport.self, message: step }])
  })
})

describe('a neighbour', { timeout: 30_000 }, () => {
  test('is a member of the lane with a direct connection, which a bootstrap node is not', async () => {
    const bootstrap = await createTestBootstrap(await generateKeyPair('Ed25519'))
    try {
      const member = await joinLane()
      await member.node.dial(addressesOf(bootstrap).map((address) => multiaddr(address)))
      const other = await joinLane()
      await meet(member, other)
      const id = bootstrap.peerId.toString() as PeerId
      expect(directConnection(member.node, id)).toBeDefined()
      expect(member.transport.reaches(id)).toBe(false)
      expect(member.transport.neighbours()).toEqual([other.transport.self])
    } finally {
      await closeLanes()
      await bootstrap.stop()
    }
  })

  test('is one no more when it says that it leaves', async () => {
    const [leaver, stayer] = (await chain(2)) as [LaneMember, LaneMember]
    leaver.transport.publish({ ...presenceOf(leaver), leaving: true })
    await eventually('the goodbye', () => !stayer.transport.reaches(leaver.transport.self))
    expect(stayer.transport.neighbours()).toEqual([])
  })

  test('has a known distance within a second, and none when it is gone', async () => {
    const [one, other] = (await chain(2)) as [LaneMember, LaneMember]
    const ms = await eventually(
      'the measurement',
      () => one.transport.rttMs(other.transport.self),
      1_000,
    )
    expect(ms).toBeGreaterThan(0)
    expect(ms).toBeLessThan(500)
    await other.end()
    await eventually('the loss', () => one.gone.length > 0)
    expect(one.transport.rttMs(other.transport.self)).toBeUndefined()
  })
})
