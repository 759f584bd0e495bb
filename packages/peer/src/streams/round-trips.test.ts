import { afterEach, expect, test } from 'vitest'
import { closeLanes, dial, joinLane } from '../testing/test-lane.ts'
import { eventually } from '../testing/test-nodes.ts'

afterEach(closeLanes)

test('a peer that answers pings before they come is not measured as near', async () => {
  const [honest, other, liar] = [await joinLane(), await joinLane(), await joinLane()]
  await liar.node.unhandle('/ipfs/ping/1.0.0')
  await liar.node.handle('/ipfs/ping/1.0.0', (stream) => {
    stream.send(new Uint8Array(32 * 3))
  })
  await dial(honest, liar)
  await dial(honest, other)
  await eventually('the measurement of the other', () => honest.roundTrips.ms(other.transport.self))
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(honest.roundTrips.ms(liar.transport.self)).toBeUndefined()
})
