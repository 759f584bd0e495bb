import { randomBytes } from 'node:crypto'
import { laneTopic, type SwarmKey } from '@layerswarm/swarm'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test } from 'vitest'
import { TENSOR_PROTOCOL } from '../streams/tensor-streams.ts'
import { at, closeLanes, firstStep, heardStep, joinLane, meet } from '../testing/test-lane.ts'
import { eventually, RELEASE } from '../testing/test-nodes.ts'

const swarmKey = randomBytes(32).toString('base64url') as SwarmKey
const closers: (() => unknown)[] = []
afterEach(async () => {
  await closeLanes()
  await Promise.all(closers.splice(0).map((close) => close()))
})

/** A libp2p node that knows everything of Layerswarm's addresses and protocols but the key. */
async function outsider(prologueBytes?: Uint8Array) {
  const node = await createLibp2p({
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise(prologueBytes && { prologueBytes })],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
  })
  closers.push(() => node.stop())
  return node
}

describe('the peers of a private swarm', { timeout: 30_000 }, () => {
  test('hear each other', async () => {
    const members = [await joinLane({ swarmKey }), await joinLane({ swarmKey })]
    await meet(at(members, 0), at(members, 1))
    const step = firstStep(at(members, 0).transport.self)
    at(members, 0).transport.publish(step)
    await eventually('the step', () => heardStep(at(members, 1), step))
  })

  test.each(['tcp', 'ws'])(
    'let nobody else in by %s: no connection, no stream, no listener',
    async (wire) => {
      const member = await joinLane({ swarmKey })
      const places = member.node
        .getMultiaddrs()
        .filter((one) => String(one).includes('/ws') === (wire === 'ws'))
      expect(places.length).toBeGreaterThan(0)
      for (const prologue of [undefined, new Uint8Array(randomBytes(64))]) {
        const stranger = await outsider(prologue)
        await expect(stranger.dial(places)).rejects.toThrow()
        await expect(stranger.dialProtocol(places, TENSOR_PROTOCOL.id)).rejects.toThrow()
        expect(stranger.getConnections()).toEqual([])
      }
      expect(member.node.getConnections()).toEqual([])
      expect(member.node.services.pubsub.getSubscribers(laneTopic(RELEASE, 0))).toEqual([])
      expect(member.node.services.pubsub.getPeers()).toEqual([])
    },
  )

  test('and those of an open one do not reach each other', async () => {
    const members = [await joinLane({ swarmKey }), await joinLane()]
    await expect(meet(at(members, 0), at(members, 1))).rejects.toThrow()
    await expect(meet(at(members, 1), at(members, 0))).rejects.toThrow()
  })
})
