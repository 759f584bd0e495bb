import { expect, test } from 'vitest'
import { fuzz, fuzzWorld, smallest } from './fuzz.ts'
import { DRAIN_MS_MAX } from './limits.ts'
import { ATTACKS } from './residents/attacks.ts'
import { scenarioSettings } from './scenarios/scenarios.ts'
import { runPolicy } from './simulate.ts'

test('a thousand random worlds with random faults break no promise', { timeout: 480_000 }, () => {
  const { protocol, failures, runs, checks, requests, faults, policies } = fuzz(1_000, { seed: 1 })
  expect(failures.map(({ violation, replay }) => `${violation.detail}\n${replay}`)).toEqual([])
  expect(runs).toBe(1_000)
  expect(protocol).toMatch(/^production's protocol, but some worlds draw gossip.connections, /)
  expect(requests).toBeGreaterThan(4_000)
  expect(checks).toBeGreaterThan(100_000)
  for (const policy of ['any-order', 'rounds', 'auto'])
    expect(policies[policy]).toBeGreaterThan(200)
  // Every kind of fault took part, and none in every world.
  for (const count of Object.values(faults)) {
    expect(count).toBeGreaterThan(80)
    expect(count).toBeLessThan(250)
  }
})

test('worlds are drawn with each of the attacks', () => {
  const drawn = Array.from({ length: 1_000 }, (_, run) => fuzzWorld(1, run).set['attack.kind'] ?? 0)
  const counts = ATTACKS.map((_, kind) => drawn.filter((one) => one === kind).length)
  // Fifteen of a hundred worlds have one, each kind alike.
  const fair = (1_000 * 0.15) / (ATTACKS.length - 1)
  for (const count of counts) expect(count).toBeGreaterThan(fair / 3)
})

test('a slow reader that a flood reached follows nothing once it has read it all', () => {
  // A peer of 9 ms a message reads for minutes what one attacker said in half of one.
  const world = scenarioSettings('calm', {
    'model.layers': 1,
    'model.tokens': 5,
    'model.width': 16,
    'peers.count': 2,
    'requests.count': 10,
    'requests.perMinute': 6.1,
    'requests.warmupMs': 4_000,
    'flashCrowd.atMs': 5_197,
    'flashCrowd.factor': 3,
    'stragglers.share': 0.38,
    'stragglers.factor': 30,
    'attack.kind': ATTACKS.indexOf('valid-flood'),
  })
  const { referee, records, clock } = runPolicy(world, 1_953_714_649, 'auto')
  expect(referee.violations).toEqual([])
  expect(records).toHaveLength(10)
  // Longer than whoever had read it all may hold on.
  const lastMs = records.at(-1)?.atMs ?? 0
  expect(clock.nowMs()).toBeGreaterThan(lastMs + world['requests.deadlineMs'] + DRAIN_MS_MAX)
})

test('a failing world is made small: what does not matter goes, then requests, peers and layers', () => {
  const found = { 'links.loss': 0.3, 'links.natShare': 0.5, 'peers.count': 16, 'requests.count': 9 }
  let tries = 0
  const set = smallest(found, (left) => {
    tries++
    return (left['links.loss'] ?? 0) > 0.1 && (left['peers.count'] ?? 100) >= 3
  })
  expect(set).toEqual({ 'links.loss': 0.3, 'peers.count': 3, 'requests.count': 1 })
  expect(tries).toBeLessThan(20)
})

test('a search says after each world what it has found so far', () => {
  const told: (readonly [runs: number, requests: number, of: number])[] = []
  const { requests } = fuzz(3, {
    seed: 4,
    onProgress: (soFar, of) => void told.push([soFar.runs, soFar.requests, of]),
  })
  expect(told.map(([runs, , of]) => [runs, of])).toEqual([
    [1, 3],
    [2, 3],
    [3, 3],
  ])
  expect(told.at(-1)?.[1]).toBe(requests)
  expect(told[0]?.[1]).toBeLessThan(requests)
})
