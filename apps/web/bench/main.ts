import { randomTensor, type Tensor } from '@layerswarm/model'
import { createPeer, type Peer, type PeerOptions } from '@layerswarm/peer'
import { timeVisitParts } from '@layerswarm/peer/visit-parts'
import type { Classification } from '@layerswarm/swarm'
import { installTrustedScripts } from '../src/trusted-scripts.ts'
import { connectEcho, serveEcho } from './echo.ts'
import {
  acceptance,
  gpuAdapter,
  layerOutputs,
  layerTimes,
  vectorDistances,
} from './engine-checks.ts'
import { drawCrowd } from './live-view.ts'
import { preparedBytes } from './picture-checks.ts'

let peer: Peer | undefined
const requests: Classification[] = []
let echoMs: ((bytes: number, times: number) => Promise<number>) | undefined

/** What the benches between tabs and the tests of engines call in their tabs. */
const bench = {
  /** Joins the swarm of this page's server as a host of these layers; leaves what it joined before. */
  async join(
    layers: readonly number[],
    engine: PeerOptions['engine'] = 'ort-wasm',
    release?: string,
  ): Promise<void> {
    await peer?.stop()
    peer = createPeer({ join: location.origin, release, serve: layers, engine })
    await peer.start()
  },
  snapshot: () => joined().snapshot(),
  /** Asks several times at once for random images; the next two tell how it goes. */
  async ask(images: number, deadlineMs: number, times = 1): Promise<void> {
    for (let time = 0; time < times; time++) {
      requests.push(await joined().classify(noise(images), { deadlineMs }))
    }
  },
  /** Waits until the first layer of the last request has run. @returns the peer that ran it. */
  async firstHop(): Promise<string> {
    const request = requests.at(-1)
    const moved = new Promise<string>((resolve) => {
      request?.onProgress(({ route: [first] }) => {
        if (first !== undefined) resolve(first.peer)
      })
    })
    // On a busy machine it may have ended before anybody listens.
    const ended = request?.answer.then(({ route: [first] }) => first?.peer ?? '')
    return Promise.race(ended === undefined ? [moved] : [moved, ended])
  },
  async answers(): Promise<{ hops: number; missing: number }[]> {
    const answers = await Promise.all(requests.splice(0).map(({ answer }) => answer))
    return answers.map(({ route, missingLayers }) => ({
      hops: route.length,
      missing: missingLayers.length,
    }))
  },
  /** Whether every layer has so many hosts and the other tab is connected by WebRTC. */
  isReady(hosts = 1): boolean {
    const { coverage, peers } = joined().snapshot()
    return (
      coverage.length > 0 &&
      coverage.every((count) => count >= hosts) &&
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
    const { answer } = await joined().classify(noise(images), { plan })
    const { totalMs, route } = await answer
    return { totalMs, layersMs: route.reduce((sum, { ms }) => sum + ms, 0) }
  },
  /** One picture in these rounds; in none, where every tab hosts every layer, by one of them alone. */
  async picture(
    rounds: readonly number[],
    deadlineMs: number,
  ): Promise<{ totalMs: number; peers: number; missing: number }> {
    const { answer } = await joined().classify(noise(1), {
      deadlineMs,
      rounds: rounds.length === 0 ? 'off' : rounds,
    })
    const { totalMs, route, missingLayers } = await answer
    const peers = new Set(route.map(({ peer: one }) => one)).size
    return { totalMs, peers, missing: missingLayers.length }
  },
  /** One image, as any caller asks: in whatever order the release allows. */
  async classifyOne(deadlineMs: number): Promise<{ totalMs: number; layers: number[] }> {
    const { answer } = await joined().classify(noise(1), { deadlineMs })
    const { totalMs, route } = await answer
    return { totalMs, layers: route.map(({ layer }) => layer) }
  },
  visitParts: timeVisitParts,
  acceptance,
  vectorDistances,
  preparedBytes,
  layerOutputs,
  layerTimes,
  gpuAdapter,
  drawCrowd,
  /** Milliseconds from a click on "join" until the tab hosts as many layers as it offers to. */
  async joinMs(capacity: number): Promise<number> {
    const startMs = performance.now()
    const joining = createPeer({ join: location.origin, serve: 'auto', capacity })
    await joining.start()
    while (joining.snapshot().hostedLayers.length < capacity) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    const ms = performance.now() - startMs
    await joining.stop()
    return ms
  },
  async echoMs(bytes: number, times: number): Promise<number> {
    if (echoMs === undefined) throw new Error('the echo is not connected')
    return await echoMs(bytes, times)
  },
}

/** Images of the model's size that show nothing. */
function noise(images: number): Tensor {
  const { channels, imageSize } = joined().manifest.spec
  return randomTensor([images, channels, imageSize, imageSize], 1)
}

function joined(): Peer {
  if (peer === undefined) throw new Error('this tab has not joined')
  return peer
}

installTrustedScripts()
Object.assign(globalThis, { bench })
