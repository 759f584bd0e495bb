import { randomTensor } from '@layerswarm/model'
import { createPeer, type Peer } from '@layerswarm/peer'
import { connectEcho, serveEcho } from './echo.ts'

let peer: Peer | undefined
let echoMs: ((bytes: number, times: number) => Promise<number>) | undefined

/** What `layerswarm bench hop` calls in each of its two tabs. */
const bench = {
  /** Joins the swarm of this page's server as a host of these layers. */
  async join(layers: readonly number[]): Promise<void> {
    peer = createPeer({ join: location.origin, serve: layers, engine: 'ort-wasm' })
    await peer.start()
  },
  /** Whether every layer has a host and the other tab is connected by WebRTC. */
  isReady(): boolean {
    const { coverage, peers } = joined().snapshot()
    return (
      coverage.length > 0 &&
      coverage.every((hosts) => hosts > 0) &&
      peers.some(({ connection, transport }) => connection === 'direct' && transport === 'webrtc')
    )
  },
  serveEcho,
  async connectEcho(relay: string, address: string): Promise<void> {
    echoMs = await connectEcho(relay, address)
  },
  async request(
    images: number,
    plan: readonly number[],
  ): Promise<{ totalMs: number; layersMs: number }> {
    const { channels, imageSize } = joined().manifest.spec
    const input = randomTensor([images, channels, imageSize, imageSize], 1)
    const { answer } = await joined().classify(input, { plan })
    const { totalMs, route } = await answer
    return { totalMs, layersMs: route.reduce((sum, { ms }) => sum + ms, 0) }
  },
  async echoMs(bytes: number, times: number): Promise<number> {
    if (echoMs === undefined) throw new Error('the echo is not connected')
    return await echoMs(bytes, times)
  },
}

function joined(): Peer {
  if (peer === undefined) throw new Error('this tab has not joined')
  return peer
}

Object.assign(globalThis, { bench })
