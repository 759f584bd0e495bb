import { describe, expect, test } from 'vitest'
import { lateOf, p95OfAll, searchDoubling, simulateLoad } from './load.ts'
import { loadMarkdown } from './report/load.ts'
import type { RequestRecord } from './request-record.ts'

/** Searches from a light load of 20 and an own rate of 100; the loads that it tried. */
function search(doublesAt: number): { found: number | null; tried: number[] } {
  const tried: number[] = []
  const found = searchDoubling(20, 100, (perMinute) => {
    tried.push(perMinute)
    return perMinute >= doublesAt
  })
  return { found, tried }
}

describe('the load at which p95 doubles', () => {
  test.each([30, 90, 150, 1_000, 7_777])(
    'is found within a tenth, with few trials: %d a minute',
    (doublesAt) => {
      const { found, tried } = search(doublesAt)
      expect(Math.abs(Math.log((found ?? 0) / doublesAt))).toBeLessThan(Math.log(1.1))
      expect(tried.length).toBeLessThanOrEqual(10)
      expect(new Set(tried).size).toBe(tried.length)
    },
  )

  test('is not known of a swarm that takes everything that is tried', () => {
    const { found, tried } = search(Number.POSITIVE_INFINITY)
    expect(found).toBeNull()
    expect(tried.at(-1)).toBe(100_000)
  })

  test('is that of all requests, of which unanswered ones are the latest', () => {
    const latencyMs = Array.from({ length: 101 }, (_, i) => i)
    expect(p95OfAll({ answeredShare: 1, latencyMs })).toBe(95)
    expect(p95OfAll({ answeredShare: 0.96, latencyMs })).toBe(99)
    expect(p95OfAll({ answeredShare: 0.94, latencyMs })).toBeNull()
  })

  test('counts a request as late while it is still open', () => {
    const records = [
      { atMs: 0, endMs: 100 },
      { atMs: 0, endMs: 300 },
      { atMs: 0, endMs: undefined },
      { atMs: 900, endMs: undefined },
    ] as RequestRecord[]
    expect(lateOf(records, 1_000, 200)).toBe(2)
  })
})

describe('a search in a small world', { timeout: 60_000 }, () => {
  const said: string[] = []
  const report = simulateLoad({
    peers: 8,
    requests: 20,
    scenarios: ['calm'],
    onProgress: (line) => said.push(line),
  })

  test('has a row for what ships and for the chain in both placements, and tells each trial', () => {
    expect(report).toMatchObject({ protocol: "production's protocol", peers: 8, broken: 0 })
    expect(report.rows.map(({ policy, placement }) => [policy, placement])).toEqual([
      ['any-order', 'random'],
      ['fixed-order-replay', 'random'],
      ['fixed-order-replay', 'blocks'],
    ])
    for (const { light, doublesPerMinute, points } of report.rows) {
      expect(light.perMinute).toBe(120)
      expect(doublesPerMinute).toBeGreaterThan(120)
      const held = points.filter(({ p95Ms }) => p95Ms !== null && p95Ms < 2 * (light.p95Ms ?? 0))
      for (const { perMinute } of held) expect(perMinute).toBeLessThan(doublesPerMinute ?? 0)
      // A load that is too much is given up before its last request.
      const tooMuch = points.filter(({ p95Ms }) => p95Ms === null)
      expect(tooMuch.length).toBeGreaterThan(0)
      for (const { perMinute } of tooMuch) expect(perMinute).toBeGreaterThan(doublesPerMinute ?? 0)
    }
    const trials = report.rows.reduce((sum, { points }) => sum + 1 + points.length, 0)
    expect(said).toHaveLength(trials)
    expect(said[0]).toMatch(/^calm, any-order at 120 a minute: p95 \d+ ms$/)
  })

  test('in Markdown says the protocol first, then a row each, every load, and how to repeat it', () => {
    const text = loadMarkdown(report)
    expect(text).toMatch(/^Protocol: production's protocol\.\n/)
    expect(text).toMatch(/\| calm \| any-order \| \d+ ms \(120\/min\) \| [\d,]+\/min \| \d+ \|/)
    expect(text).toContain('## calm, fixed-order-replay, blocks')
    expect(text).toContain(
      'npx layerswarm simulate load --peers 8 --requests 20 --seed 1 --scenarios calm',
    )
    expect(text).not.toContain('NaN')
  })
})

test('a scenario that nobody knows is refused before anything runs', () => {
  const said: string[] = []
  const load = () =>
    simulateLoad({ scenarios: ['calm', 'storm'], onProgress: (line) => said.push(line) })
  expect(load).toThrow('there is no scenario "storm"')
  expect(said).toEqual([])
})
