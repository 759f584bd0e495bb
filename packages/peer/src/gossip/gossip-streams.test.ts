import { anyPresence } from '@layerswarm/swarm/testing'
import type { Connection, Stream } from '@libp2p/interface'
import { afterEach, describe, expect, test } from 'vitest'
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
