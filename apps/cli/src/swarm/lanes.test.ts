import { randomTensor } from '@layerswarm/model'
import { createPeer, type Peer, type PeerOptions } from '@layerswarm/peer'
import { createSignaling, type Signaling } from '@layerswarm/signaling'
import { afterEach, expect, test, vi } from 'vitest'
import { releaseFolders } from '../project-places.ts'

/** Small enough to see lanes with few peers. */
const LANE_PROVIDERS = 4
const soon = { timeout: 40_000, interval: 100 }

const started: Peer[] = []
let signaling: Signaling | undefined

afterEach(async () => {
  await Promise.all(started.splice(0).map((peer) => peer.stop()))
  await signaling?.stop()
})

async function join(url: string, options: Partial<PeerOptions>): Promise<Peer> {
  const peer = createPeer({
    join: url,
    laneProviders: LANE_PROVIDERS,
    engine: 'reference',
    webrtc: false,
    ...options,
  })
  started.push(peer)
  await peer.start()
  return peer
}

interface Count {
  readonly lane: number
  readonly providers: number
  readonly askers: number
  readonly lacking: number
}

async function counts(url: string): Promise<readonly Count[]> {
  const bootstrap = (await (await fetch(`${url}/bootstrap.json`)).json()) as {
    releases: { lanes: Count[] }[]
  }
  return bootstrap.releases[0]?.lanes ?? []
}

test('eight providers that start at once form two lanes of four, which both answer and are both counted', {
  timeout: 120_000,
}, async () => {
  const modelDirs = await releaseFolders(['models/fashion-vit'])
  signaling = createSignaling({ port: 0, modelDirs })
  const { url } = await signaling.start()
  const providers = await Promise.all(
    Array.from({ length: 2 * LANE_PROVIDERS }, () => join(url, { capacity: 4 })),
  )
  const providersIn = (lane: number) =>
    providers.filter((peer) => peer.snapshot().lane === lane).length
  await vi.waitFor(async () => {
    expect([providersIn(0), providersIn(1)]).toEqual([LANE_PROVIDERS, LANE_PROVIDERS])
    expect(await counts(url)).toEqual([
      { lane: 0, providers: LANE_PROVIDERS, askers: 0, lacking: 0 },
      { lane: 1, providers: LANE_PROVIDERS, askers: 0, lacking: 0 },
    ])
  }, soon)

  // Each goes to where more providers are for it: one to either lane.
  for (let asker = 0; asker < 2; asker++) {
    const peer = await join(url, { serve: 'none' })
    const own = peer.snapshot().lane
    await vi.waitFor(() => {
      const { peers, coverage } = peer.snapshot()
      expect(peers).toHaveLength(LANE_PROVIDERS)
      expect(Math.min(...coverage)).toBeGreaterThan(0)
    }, soon)
    const there = providers.filter((one) => one.snapshot().lane === own)
    const { answer } = await peer.classify(randomTensor([1, 1, 28, 28], 1), { deadlineMs: 30_000 })
    const { route, missingLayers } = await answer
    expect(missingLayers).toEqual([])
    const ids = there.map((one) => one.snapshot().peerId)
    for (const hop of route) expect(ids).toContain(hop.peer)
    await vi.waitFor(async () => {
      const askers = (await counts(url)).reduce((sum, count) => sum + count.askers, 0)
      expect(askers).toBe(asker + 1)
    }, soon)
  }
  expect((await counts(url)).map(({ askers }) => askers)).toEqual([1, 1])
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toMatch(/layerswarm_lane_peers\{[^}]*lane="1",role="provider"\} 4/)
})
