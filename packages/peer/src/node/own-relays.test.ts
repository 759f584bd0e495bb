import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, describe, expect, test } from 'vitest'
import { createTestBootstrap, createTestNode, eventually } from '../testing/test-nodes.ts'

const HOP = '/libp2p/circuit/relay/0.2.0/hop'
const STOP = '/libp2p/circuit/relay/0.2.0/stop'

const closers: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

/** Somebody who says that it relays, and notes who asks it for a place. */
async function pretender() {
  const { node } = await createTestNode({ relayed: true })
  closers.push(() => node.stop())
  const asked: string[] = []
  await node.handle(HOP, (stream, { remotePeer }) => {
    asked.push(remotePeer.toString())
    stream.abort(new Error('no place'))
  })
  return { node, asked }
}

describe('a stranger that says it relays', { timeout: 40_000 }, () => {
  test('is asked for no place, whatever it opens, and the swarm’s own relay is', async () => {
    const relay = await createTestBootstrap(await generateKeyPair('Ed25519'))
    closers.push(() => relay.stop())
    const forwarders = [relay.peerId.toString()]
    const { node } = await createTestNode({ webrtc: true, forwarders })
    closers.push(() => node.stop())
    const stranger = await pretender()
    const said: string[] = []
    node.addEventListener('peer:identify', ({ detail }) => said.push(...detail.protocols))
    const connection = await stranger.node.dial(node.getMultiaddrs())
    await eventually('its identification', () => said.includes(HOP))
    const stop = await connection.newStream(STOP)
    await eventually('the refusal', () => stop.status !== 'open')
    await node.dial(relay.getMultiaddrs())
    await node.services.circuits.add()
    await eventually('a reservation', () =>
      node
        .getMultiaddrs()
        .some((address) => address.toString().includes(`/p2p/${relay.peerId}/p2p-circuit`)),
    )
    expect(stranger.asked).toEqual([])
    for (const address of node.getMultiaddrs())
      expect(address.toString()).not.toContain(stranger.node.peerId.toString())
  })
})
