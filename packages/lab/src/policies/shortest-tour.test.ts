import { SeededRandom } from '@layerswarm/swarm/testing'
import { describe, expect, test } from 'vitest'
import { shortestTour, type TourNeeds } from './shortest-tour.ts'

const SEARCH = { exactLayersMax: 14, beam: 8 }

function drawn(seed: number, layers: number, places: number): TourNeeds {
  const random = new SeededRandom(seed)
  const times = () => Array.from({ length: places }, () => 10 + random.below(200))
  const ways = Array.from({ length: places }, times)
  return {
    layers,
    places: Array.from({ length: places }, () => ({
      layers: [random.below(layers), random.below(layers)],
      layerMs: random.below(20),
    })),
    outMs: times(),
    backMs: times(),
    wayMs: (from, to) => ways[from]?.[to] ?? Number.POSITIVE_INFINITY,
  }
}

/** Every order of every subset. */
function tried(needs: TourNeeds): number {
  let best = Number.POSITIVE_INFINITY
  const go = (ms: number, done: ReadonlySet<number>, at: number | undefined) => {
    if (done.size === needs.layers && at !== undefined)
      best = Math.min(best, ms + (needs.backMs[at] ?? 0))
    for (const [place, { layers, layerMs }] of needs.places.entries()) {
      const fresh = new Set(layers.filter((layer) => !done.has(layer)))
      if (fresh.size === 0) continue
      const way = at === undefined ? (needs.outMs[place] ?? 0) : needs.wayMs(at, place)
      go(ms + way + fresh.size * layerMs, new Set([...done, ...fresh]), place)
    }
  }
  go(0, new Set(), undefined)
  return best
}

describe('the shortest tour', () => {
  test('is as short as the best of all tours tried one by one', () => {
    for (let seed = 0; seed < 60; seed++) {
      const needs = drawn(seed, 4, 6)
      expect(shortestTour(needs, SEARCH)?.ms ?? Number.POSITIVE_INFINITY).toBe(tried(needs))
    }
  })

  test('runs every layer once and takes as long as its stops and ways do', () => {
    const needs = drawn(3, 8, 40)
    const { ms, stops } = shortestTour(needs, SEARCH) ?? { ms: 0, stops: [] }
    expect(stops.flatMap(({ layers }) => layers).toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    const [first] = stops
    let sum = needs.outMs[first?.place ?? 0] ?? 0
    for (const [i, { place, runMs }] of stops.entries())
      sum += runMs + (i === 0 ? 0 : needs.wayMs(stops[i - 1]?.place ?? 0, place))
    expect(ms).toBe(sum + (needs.backMs[stops.at(-1)?.place ?? 0] ?? 0))
  })

  test('over up to 64 layers is found by a beam, and never shorter than the exact one', () => {
    const beam = { exactLayersMax: 0, beam: 64 }
    for (let seed = 0; seed < 20; seed++) {
      const needs = drawn(seed, 6, 20)
      const exact = shortestTour(needs, SEARCH)?.ms ?? 0
      expect(shortestTour(needs, beam)?.ms ?? exact).toBeGreaterThanOrEqual(exact)
    }
    const large = drawn(1, 64, 400)
    const stops = shortestTour(large, SEARCH)?.stops ?? []
    expect(new Set(stops.flatMap(({ layers }) => layers)).size).toBe(64)
  })

  test('is none where a layer has no host', () => {
    const needs = drawn(1, 4, 6)
    const places = needs.places.map(({ layerMs }) => ({ layers: [0, 1], layerMs }))
    expect(shortestTour({ ...needs, places }, SEARCH)).toBeUndefined()
  })
})
