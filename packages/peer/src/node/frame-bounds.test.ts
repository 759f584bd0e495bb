import { CONNECTION_UNSENT_BYTES_MAX, STREAM_WINDOW_BYTES_MAX } from '@layerswarm/swarm'
import type { Connection } from '@libp2p/interface'
import { afterEach, describe, expect, test } from 'vitest'
import { chain, closeLanes, type LaneMember } from '../testing/test-lane.ts'
import { eventually } from '../testing/test-nodes.ts'
import { directConnection } from './peer-connections.ts'

afterEach(closeLanes)

/** What carries the frames of a connection; its type does not name it. */
interface Carried {
  readonly muxer: {
    readonly maConn: {
      send(bytes: Uint8Array): boolean
      readonly maxWriteBufferLength?: number
      writableNeedsDrain: boolean
    }
  }
}

/** The header of a data frame that opens a stream. */
function dataFrame(length: number): Uint8Array {
  const header = Uint8Array.of(0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0)
  new DataView(header.buffer).setUint32(8, length)
  return header
}

describe('a neighbour', { timeout: 30_000 }, () => {
  test('that reads nothing has a bounded part of what is said kept, and then no connection', async () => {
    const [mute, victim] = (await chain(2)) as [LaneMember, LaneMember]
    const connection = directConnection(victim.node, mute.transport.self)
    const { maConn } = (connection as Connection & Carried).muxer
    expect(maConn.maxWriteBufferLength).toBe(CONNECTION_UNSENT_BYTES_MAX)
    maConn.writableNeedsDrain = true
    for (let sent = 0; sent <= CONNECTION_UNSENT_BYTES_MAX; sent += 2 ** 20)
      maConn.send(new Uint8Array(2 ** 20))
    await eventually(
      'the hang-up',
      () => directConnection(victim.node, mute.transport.self) === undefined,
    )
  })
})

// Frames as long as they may be carry every tensor: push-streams.test.ts.
describe('a neighbour that begins a frame', { timeout: 30_000 }, () => {
  test.each([STREAM_WINDOW_BYTES_MAX + 1, 2 ** 32 - 1])(
    'of %i bytes loses its connection before it has sent them',
    async (length) => {
      const [hostile, victim] = (await chain(2)) as [LaneMember, LaneMember]
      const connection = directConnection(hostile.node, victim.transport.self)
      const { maConn } = (connection as Connection & Carried).muxer
      maConn.send(dataFrame(length))
      await eventually(
        'the hang-up',
        () => directConnection(victim.node, hostile.transport.self) === undefined,
      )
    },
  )
})
