import { idleSnapshot } from '@layerswarm/peer/snapshot'
import { expect, test } from 'vitest'
import { parseSwarm } from '../swarm-watch.ts'
import { shownSwarm, swarmLine } from './swarm-seen.ts'

const view = {
  releases: [
    { hosts: [2, 1, 0], providers: 2, peers: [{ id: 'a', backend: 'ort-node', layers: [0, 1] }] },
  ],
}
const seen = parseSwarm(view)
const offline = idleSnapshot('offline', 'this tab has not joined')

test('before joining the swarm is the one that its server sees', () => {
  expect(shownSwarm(offline, seen)).toEqual({
    coverage: [2, 1, 0],
    peers: [{ id: 'a', backend: 'ort-node', layers: [0, 1], connection: 'none' }],
  })
  expect(swarmLine(seen)).toBe('2 peers are in this swarm now and host 2 of 3 layers.')
})

test('from the first peer that this tab meets the swarm is its own', () => {
  const peer = {
    ...{ id: 'b', release: 'r', layers: [2], backend: 'ort-wasm' as const, layerMs: 1 },
    ...{ connection: 'direct' as const, transport: 'webrtc' as const },
  }
  const serving = { ...offline, state: 'serving' as const, coverage: [0, 0, 1], uptimeMs: 1_000 }
  expect(shownSwarm(serving, seen).peers).toHaveLength(1)
  expect(shownSwarm(serving, seen).coverage).toEqual([2, 1, 1])
  expect(shownSwarm({ ...serving, peers: [peer] }, seen).peers).toEqual([peer])
  expect(shownSwarm({ ...serving, uptimeMs: 60_000 }, seen).peers).toEqual([])
})

test('what is no view of a swarm shows nothing', () => {
  for (const bad of [undefined, null, 3, {}, { releases: [] }, { releases: [{ hosts: [1] }] }])
    expect(parseSwarm(bad)).toBeUndefined()
  const odd = { releases: [{ hosts: ['x', -1, 2], peers: [7, { id: 'a' }], providers: 'many' }] }
  expect(parseSwarm(odd)).toEqual({ coverage: [0, 0, 2], providers: 0, peers: [] })
})
