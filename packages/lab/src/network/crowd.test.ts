import { VirtualClock } from '@layerswarm/swarm/testing'
import { describe, expect, test } from 'vitest'
import { ARRIVALS_DENSE_MAX, MEET_ALL_MAX } from '../limits.ts'
import { populate } from '../scenarios/population.ts'
import { changeSettings, SETTINGS_DEFAULT } from '../scenarios/settings.ts'
import { LabNetwork } from './gossip.ts'
import { Arrivals } from './parcel.ts'
import { Trace } from './trace.ts'

describe('a lane of more members than anybody looks at', () => {
  const settings = changeSettings(SETTINGS_DEFAULT, {
    'peers.count': 2 * MEET_ALL_MAX,
    'lanes.peers': 0,
  })
  const clock = new VirtualClock()
  const network = new LabNetwork(clock, settings, 1, new Trace(), {
    published: () => {},
    pullAsked: () => {},
  })
  for (const session of populate(settings, 1, 0)) network.join(session, true, () => {})
  clock.run(1_000)
  const stations = [...network.stations.values()]

  test('gives each as many connections as it may have, at both ends and to whom it can reach', () => {
    const most = settings['gossip.connections']
    expect(stations.length).toBeGreaterThan(MEET_ALL_MAX)
    for (const station of stations) {
      expect(station.links.length).toBeGreaterThanOrEqual(most)
      expect(station.links.length).toBeLessThanOrEqual(2 * most)
      for (const { to } of station.links) {
        expect(to.isNeighbourOf(station)).toBe(true)
        expect(network.paths.hasPath(station, to)).toBe(true)
      }
    }
  })

  test('loses those who leave, and nobody else', () => {
    const [lane] = network.lanes
    const [gone, kept] = [stations.slice(0, 100), stations.slice(100)]
    for (const { peer } of gone) network.leave(peer, 0)
    const members = Array.from({ length: lane?.members.size ?? 0 }, (_, at) => lane?.member(at))
    expect(new Set(members)).toEqual(new Set(kept))
  })
})

describe('the arrivals of a message', () => {
  test.each([ARRIVALS_DENSE_MAX, ARRIVALS_DENSE_MAX + 1])(
    'are known of each slot of a lane of %i, and of no later one',
    (width) => {
      const arrivals = new Arrivals(width)
      expect(arrivals.get(width - 1)).toBe(Number.POSITIVE_INFINITY)
      arrivals.set(width - 1, 70)
      arrivals.set(0, -1)
      expect([arrivals.get(width - 1), arrivals.get(0), arrivals.get(1)]).toEqual([
        70,
        -1,
        Number.POSITIVE_INFINITY,
      ])
      expect(arrivals.get(width)).toBe(Number.NEGATIVE_INFINITY)
    },
  )
})
