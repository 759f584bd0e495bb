import './polyfill.ts'
import './web-socket-fixture.ts'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { PEERING_RETRY_MS } from './limits.ts'

/**
 * Does what a tab does first, for tests: reads where to go, goes there and reserves a place.
 * @throws Error when it has none after `withinMs`.
 */
export async function joinAsNewcomer(url: string, withinMs: number): Promise<Libp2p> {
  const untilMs = performance.now() + withinMs
  const { peerId } = (await (await fetch(`${url}/bootstrap.json`)).json()) as { peerId: string }
  const node = await createLibp2p({
    addresses: { listen: ['/p2p-circuit'] },
    transports: [webSockets(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify() },
  })
  const place = multiaddr(`/ip4/127.0.0.1/tcp/${new URL(url).port}/ws/p2p/${peerId}`)
  while (performance.now() < untilMs) {
    if (node.getConnections().length === 0) await node.dial(place).catch(() => undefined)
    if (node.getMultiaddrs().length > 0) return node
    await new Promise((resolve) => setTimeout(resolve, PEERING_RETRY_MS / 2))
  }
  await node.stop()
  throw new Error(`no place after ${withinMs} ms`)
}
