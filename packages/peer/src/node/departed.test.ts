import { afterEach, expect, test, vi } from 'vitest'
import { createTestNode, type TestNode } from '../testing/test-nodes.ts'
import { forgetDeparted } from './departed.ts'

const soon = { timeout: 8_000, interval: 20 }

const nodes: TestNode[] = []
afterEach(async () => {
  await Promise.all(nodes.splice(0).map(({ node }) => node.stop()))
})

async function start(): Promise<TestNode['node']> {
  const made = await createTestNode({ over: 'tcp' })
  nodes.push(made)
  return made.node
}

test('a peer that has left is forgotten, and one that is there is not', async () => {
  const [node, leaver, stayer] = [await start(), await start(), await start()]
  const end = forgetDeparted(node, 50)
  const known = async () => (await node.peerStore.all()).map(({ id }) => id.toString()).sort()
  for (const other of [leaver, stayer]) await other.dial(node.getMultiaddrs())
  await vi.waitFor(async () => {
    expect(await known()).toEqual([leaver, stayer].map(({ peerId }) => `${peerId}`).sort())
  }, soon)
  await leaver.stop()
  await vi.waitFor(async () => expect(await known()).toEqual([`${stayer.peerId}`]), soon)
  end()
})
