import { afterEach, expect, test } from 'vitest'
import { createTestNode, type TestNode } from '../testing/test-nodes.ts'

let made: TestNode
afterEach(() => made.node.stop())

test('a peer answers over a circuit what introduces two peers, and nothing else', async () => {
  made = await createTestNode({ webrtc: true })
  // Its type does not name the registrar, which knows what is answered where.
  const { components } = made.node as typeof made.node & {
    components: {
      registrar: {
        getProtocols(): string[]
        getHandler(protocol: string): { options: { runOnLimitedConnection?: boolean } }
      }
    }
  }
  const { registrar } = components
  const answered = registrar
    .getProtocols()
    .filter((protocol) => registrar.getHandler(protocol).options.runOnLimitedConnection === true)
  expect(answered.toSorted()).toEqual([
    '/ipfs/id/1.0.0',
    '/ipfs/id/push/1.0.0',
    '/ipfs/ping/1.0.0',
    '/libp2p/circuit/relay/0.2.0/stop',
    '/webrtc-signaling/0.0.1',
  ])
})
