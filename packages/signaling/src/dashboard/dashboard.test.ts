import { expect, test } from 'vitest'
import { HISTORY_INTERVAL_MS, HISTORY_MOMENTS_MAX } from '../limits.ts'
import type { AnnouncedPeer } from '../presence-gate.ts'
import { EMPTY_SNAPSHOT } from '../snapshot.ts'
import { dashboardPage } from './dashboard.ts'
import { createHistory } from './history.ts'
import { swarmView } from './swarm-view.ts'

const release = {
  id: 'ab'.repeat(32),
  name: '<b>fashion</b>',
  publisher: '',
  peers: 2,
  hosts: [2, 1, 0],
  lanesOf: 'ab'.repeat(32),
  lanes: [{ lane: 0, providers: 2, askers: 1, lacking: 1 }],
}
const snapshot = { ...EMPTY_SNAPSHOT, reason: '', version: '1.2.3', releases: [release] }
const announced = (peer: string): AnnouncedPeer =>
  ({
    peer,
    presence: { release: release.id, lane: 0, layers: [0], backend: 'ort-wasm', layerMs: 1.25 },
    heardAtMs: 0,
  }) as unknown as AnnouncedPeer
const moments = [
  { at: 0, peers: 1, covered: 3, layers: 3 },
  { at: HISTORY_INTERVAL_MS, peers: 2, covered: 2, layers: 3 },
]

test('a view names peers, hosts per layer, and what does not go well', () => {
  const view = swarmView(snapshot, [announced('b'), announced('a')], moments, false)
  expect(view.releases[0]).toMatchObject({ hosts: [2, 1, 0], providers: 2, askers: 1 })
  expect(view.releases[0]?.peers.map(({ id }) => id)).toEqual(['a', 'b'])
  expect(view.trouble).toEqual([
    '<b>fashion</b>: nobody hosts layer 2',
    '<b>fashion</b>: one peer alone hosts layer 1',
  ])
})

test('of releases that share lanes each has all that are in them, and the page says who has whose layers', () => {
  const newer = { ...release, id: 'cd'.repeat(32), name: 'newer', peers: 1, lanes: [] }
  const both = { ...snapshot, releases: [newer, release] }
  const { peer, presence, heardAtMs } = announced('b')
  const mixed = { peer, presence: { ...presence, weights: newer.id }, heardAtMs }
  const view = swarmView(both, [announced('a'), mixed], moments, false)
  for (const shown of view.releases) {
    expect(shown).toMatchObject({ providers: 2, askers: 1, lanes: release.lanes })
    expect(shown.peers.map((one) => one.release)).toEqual([release.id, newer.id])
  }
  // Once, though it holds for both.
  expect(view.trouble.filter((line) => line.includes('nobody hosts'))).toHaveLength(1)
  const page = dashboardPage(view)
  expect(page).toContain('1 peer there has layers of newer.')
  expect(page).toMatch(/<td>newer<\/td>/)
  expect(dashboardPage(swarmView(snapshot, [announced('a')], moments, false))).not.toContain(
    'Of release',
  )
})

test('of a private swarm nobody is named', () => {
  const view = swarmView(snapshot, [announced('a')], moments, true)
  expect(view.releases[0]?.peers).toEqual([])
  expect(view.releases[0]?.providers).toBe(2)
})

test('the page for people lets no name become markup, and plots the day', () => {
  const page = dashboardPage(swarmView(snapshot, [announced('a')], moments, false))
  expect(page).not.toContain('<b>')
  expect(page).toContain('<polyline points="0.0,60.0 600.0,0.0"/>')
  expect(page.match(/class="gap"/g)).toHaveLength(1)
})

test('a history has one moment per interval, and a day of them', () => {
  const history = createHistory()
  for (let i = 0; i < 2 * HISTORY_MOMENTS_MAX; i++) {
    const at = (i * HISTORY_INTERVAL_MS) / 2
    history.note({ at, peers: i, covered: 1, layers: 1 })
  }
  for (let i = 0; i < 5; i++)
    history.note({ at: 1e12 + i * HISTORY_INTERVAL_MS, peers: 0, covered: 0, layers: 1 })
  expect(history.moments).toHaveLength(HISTORY_MOMENTS_MAX)
  expect(history.moments.at(-1)?.peers).toBe(0)
})
