import { describe, expect, test } from 'vitest'
import { attackOf } from '../attack-report.ts'
import { SCENARIOS, type ScenarioName } from '../scenarios/scenarios.ts'
import { simulate } from '../simulate.ts'
import { ATTACKS } from './attacks.ts'

const named = (Object.keys(SCENARIOS) as ScenarioName[]).filter((name) =>
  name.startsWith('attack-'),
)

test('every attack has a scenario of its name', () => {
  expect(named).toEqual(ATTACKS.slice(1).map((attack) => `attack-${attack}`))
  for (const [i, name] of named.entries())
    expect((SCENARIOS[name].set as Record<string, number>)['attack.kind']).toBe(i + 1)
})

/** Attacks of which every message is provably its sender's own, or can be shown to be false. */
const CUT_OFF: readonly ScenarioName[] = [
  'attack-last-hop',
  'attack-era-jump',
  'attack-valid-flood',
  'attack-false-relay',
  'attack-hog',
  'attack-fake-presence',
]

describe('one peer alone', { timeout: 60_000 }, () => {
  test.each(named)('costs nobody an answer, neither while it is there nor after: %s', (name) => {
    const { policies, broken } = simulate(name, { requests: 20, seed: 4, policy: 'any-order' })
    const attack = policies['any-order']?.attack
    expect(attack).toMatchObject({
      during: { requests: 10, answered: 10, right: 10 },
      after: { requests: 10, answered: 10, right: 10 },
    })
    expect(broken).toBe(0)
    if (CUT_OFF.includes(name)) expect(attack?.hungUpMs).toBeLessThan(5_000)
  })
})

test('an attack is reported by the halves of the requests', () => {
  const record = (index: number, outcome: string, missing = 0, isWrong = false) => ({
    index,
    atMs: 100 * index,
    endMs: 100 * index + 50,
    outcome,
    route: [],
    rounds: [],
    visits: 0,
    missing,
    usefulMs: 0,
    isWrong,
    lostCopy: false,
  })
  const records = [
    record(0, 'answered'),
    record(1, 'answered', 1),
    record(2, 'answered', 0, true),
    record(3, 'deadline-passed'),
  ]
  expect(attackOf(records, undefined)).toEqual({
    during: { requests: 2, answered: 2, right: 1, p50Ms: 50, p95Ms: 50 },
    after: { requests: 2, answered: 1, right: 0, p50Ms: 50, p95Ms: 50 },
    hungUpMs: null,
  })
})
