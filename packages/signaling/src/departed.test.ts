import './polyfill.ts'
import type { Connection, PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, test, vi } from 'vitest'
import { createDeparted } from './departed.ts'

test('who has left is forgotten at the second sweep, unless connected again', async () => {
  const node = await createLibp2p({ start: false })
  const [gone, back] = [await somebody(), await somebody()]
  const connected = (peer?: PeerId) =>
    peer?.equals(gone) === true ? [] : [{ status: 'open' } as Connection]
  const departed = createDeparted({ peerStore: node.peerStore, getConnections: connected })
  const known = async () => (await node.peerStore.all()).map(({ id }) => id.toString())
  for (const peer of [gone, back]) {
    await node.peerStore.merge(peer, { multiaddrs: [multiaddr('/ip4/192.0.2.1/tcp/1')] })
    departed.add(peer)
  }
  departed.sweep()
  // What was still on its way when the connection closed.
  await node.peerStore.merge(gone, { protocols: ['/late'] })
  expect(await known()).toEqual([gone, back].map(String))
  departed.sweep()
  await vi.waitFor(async () => expect(await known()).toEqual([back.toString()]))
})

async function somebody(): Promise<PeerId> {
  return (await createLibp2p({ start: false })).peerId
}
