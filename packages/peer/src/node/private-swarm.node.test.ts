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
import { createTestNode, eventually, RELEASE, type TestNodeOptions } from '../testing/test-nodes.ts'

const swarmKey = randomBytes(32).toString('base64url') as SwarmKey
const closers: (() => unknown)[] = []
afterEach(async () => {
  await closeLanes()
  await Promise.all(closers.splice(0).map((close) => close()))
})

async function host(options: Partial<TestNodeOptions>) {
  const { node } = await createTestNode(options)
  return { node, stop: () => node.stop() }
}

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

describe('a peer with an allow-list', { timeout: 30_000 }, () => {
  test.each(['tcp', 'ws'])(
    'is connected by %s to those on it, and to nobody else in either direction',
    async (wire) => {
      const refused: string[] = []
      const listed = new Set<string>()
      const admits = (peer: string) => listed.has(peer) || refused.push(peer) === 0
      const { node, stop } = await host({ admits })
      closers.push(stop)
      const friend = await outsider()
      listed.add(friend.peerId.toString())
      const places = node
        .getMultiaddrs()
        .filter((one) => String(one).includes('/ws') === (wire === 'ws'))
      expect((await friend.dial(places)).remotePeer).toEqual(node.peerId)
      const stranger = await outsider()
      await stranger.dial(places).catch(() => undefined)
      await eventually('the stranger is gone', () => stranger.getConnections().length === 0)
      expect(refused).toContain(stranger.peerId.toString())
      expect(node.getPeers()).toEqual([friend.peerId])
      const { node: other, stop: stopOther } = await host({})
      closers.push(stopOther)
      await expect(node.dial(other.getMultiaddrs())).rejects.toThrow()
    },
  )
})

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
