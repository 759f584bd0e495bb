import { afterEach, expect, test, vi } from 'vitest'
import { createTestNode, eventually, type TestNode } from '../testing/test-nodes.ts'

const crowds = vi.hoisted(() => ({ hasRoom: true, asked: [] as string[] }))
vi.mock('./crowds.node.ts', () => ({
  createCrowds: () => ({
    admit({ remoteAddr }: { remoteAddr: object }) {
      crowds.asked.push(String(remoteAddr))
      return crowds.hasRoom
    },
  }),
}))

const nodes: TestNode[] = []
afterEach(async () => {
  await Promise.all(nodes.splice(0).map(({ node }) => node.stop()))
})

test('a Node peer lets in who dials while there is room for those from there', async () => {
  nodes.push(await createTestNode(), await createTestNode())
  const [dialled, dialler] = nodes as [TestNode, TestNode]
  crowds.hasRoom = false
  // Who dials takes it for open until it is hung up on.
  await dialler.node.dial(dialled.node.getMultiaddrs()).catch(() => undefined)
  await eventually('the hang-up', () => dialler.node.getConnections().length === 0)
  expect(dialled.node.getConnections()).toHaveLength(0)
  expect(crowds.asked[0]).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+/)
  crowds.hasRoom = true
  const connection = await dialler.node.dial(dialled.node.getMultiaddrs())
  await eventually('the connection', () => dialled.node.getConnections().length === 1)
  expect(connection.status).toBe('open')
})
