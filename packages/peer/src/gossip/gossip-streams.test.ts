import { randomBytes } from 'node:crypto'
import { laneTopic } from '@layerswarm/swarm'
import { anyPresence } from '@layerswarm/swarm/testing'
import type { Connection, Stream } from '@libp2p/interface'
import { afterEach, describe, expect, test } from 'vitest'
import { GOSSIP_UNSENT_BYTES_MAX } from '../limits.ts'
import { chain, closeLanes, type LaneMember } from '../testing/test-lane.ts'
import { eventually, RELEASE } from '../testing/test-nodes.ts'

afterEach(closeLanes)

/** The streams over which the gossip of a member speaks, and over which it is spoken to. */
function streams({ node }: LaneMember): Stream[] {
  return node
    .getConnections()
    .flatMap((connection) => connection.streams)
    .filter(({ protocol, status }) => protocol.startsWith('/meshsub') && status === 'open')
}

test('a member that reads no gossip has a bounded part of it kept by others', {
  timeout: 30_000,
}, async () => {
  const [one, mute] = (await chain(2)) as [LaneMember, LaneMember]
  await eventually('all streams', () => streams(one).length === 2 && streams(mute).length === 2)
  const unread = () => streams(mute).filter(({ direction }) => direction === 'inbound')
  for (const stream of unread()) stream.pause()
  const unsent = () => streams(one).map(({ writeBufferLength }) => writeBufferLength)
  const first = streams(one).find(({ direction }) => direction === 'outbound')
  const bytes = 16 * 1024
  let most = 0
  for (let said = 0; said < 4 * GOSSIP_UNSENT_BYTES_MAX; said += bytes) {
    await one.node.services.pubsub
      .publish(laneTopic(RELEASE, 0), randomBytes(bytes))
      .catch(() => undefined)
    for (const stream of unread()) if (stream.readStatus === 'readable') stream.pause()
    most = Math.max(most, ...unsent())
  }
  expect(first?.status).not.toBe('open')
  expect(most).toBeGreaterThan(GOSSIP_UNSENT_BYTES_MAX / 2)
  expect(most).toBeLessThanOrEqual(GOSSIP_UNSENT_BYTES_MAX + 2 * bytes)
})

describe('members whose streams of gossip have ended', { timeout: 30_000 }, () => {
  test('hear each other again over the same connection', async () => {
    const [one, two] = (await chain(2)) as [LaneMember, LaneMember]
    const connections = one.node.getConnections().map(({ id }) => id)
    const areOpen = () => streams(one).length === 2 && streams(two).length === 2
    // More than once: an identification that is still under way has them opened again by itself.
    for (let time = 0; time < 3; time++) {
      await eventually('all streams', areOpen)
      for (const stream of [...streams(one), ...streams(two)]) stream.abort(new Error('it ends'))
    }
    await eventually('others', areOpen)
    // As members do: what is said before the other has subscribed again is said in vain.
    const announce = () =>
      one.transport.publish(anyPresence({ release: RELEASE, sequence: ++sequence, layers: [1] }))
    let sequence = 0
    announce()
    const announcing = setInterval(announce, 300)
    await eventually('presence', () =>
      two.heard.find(({ message }) => message.kind === 'presence'),
    ).finally(() => clearInterval(announcing))
    expect(one.node.getConnections().map(({ id }) => id)).toEqual(connections)
  })

  test('speak again where a stream ended before gossip had taken it', async () => {
    const [one, two] = (await chain(2)) as [LaneMember, LaneMember]
    const areOpen = () => streams(one).length === 2 && streams(two).length === 2
    await eventually('all streams', areOpen)
    const [connection] = one.node.getConnections() as [Connection]
    const { newStream } = connection
    let ended = 0
    connection.newStream = async (...words) => {
      const stream = await newStream.apply(connection, words)
      if (!stream.protocol.startsWith('/meshsub')) return stream
      connection.newStream = newStream
      stream.abort(new Error('the other was too busy'))
      ended += 1
      return stream
    }
    for (const stream of streams(one)) stream.abort(new Error('it ends'))
    await eventually('the end of another', () => ended === 1)
    await eventually('others', areOpen, 20_000)
  })
})
