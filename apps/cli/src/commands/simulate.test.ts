import { POLICY_NAMES, simulate as play, type SimulationReport } from '@layerswarm/lab'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { runLine } from '../line/run-line.ts'
import { COMMANDS } from './index.ts'

const thread = vi.hoisted(() => ({ result: {} as object }))
vi.mock('../simulation/simulation-thread.ts', () => ({
  runSimulation: async () => thread.result,
}))

let said = ''
async function run(...words: string[]): Promise<number> {
  said = ''
  const say = (text: string) => {
    said += text
  }
  const { signal } = new AbortController()
  return runLine(
    { commands: COMMANDS, version: '1.2.3', signal, stdout: () => undefined, stderr: say },
    words,
  )
}

function broken(): SimulationReport {
  const report = play('calm', {
    peers: 4,
    requests: 2,
    seed: 7,
    policy: 'any-order',
    set: { 'links.loss': '0.2' },
  })
  return { ...report, broken: 1 }
}

describe('a broken promise fails the command with the one line that replays it:', () => {
  beforeEach(() => {
    thread.result = broken()
  })

  test('a scenario', async () => {
    expect(await run('simulate', 'calm', '--no-accuracy')).toBe(1)
    expect(said).toBe(
      'layerswarm: 1 broken promise; replay it with: npx layerswarm simulate calm --peers 4 --requests 2 --seed 7 --policy any-order --set links.loss=0.2\n',
    )
  })

  test('a sweep over churn, the rate at which it broke', async () => {
    const report = broken()
    const points = [
      { leavingPerMinute: 0.1, report: { ...report, broken: 0 } },
      { leavingPerMinute: 0.4, report: { ...report, replay: 'the second' } },
    ]
    thread.result = { points, replay: 'all' }
    expect(await run('simulate', 'churn', '--no-accuracy')).toBe(1)
    expect(said).toBe('layerswarm: 1 broken promise; replay it with: the second\n')
  })

  test('a search', async () => {
    const failure = { run: 3, seed: 9, violation: {}, set: {}, replay: 'the line' }
    thread.result = { runs: 5, failures: [failure] }
    expect(await run('simulate', '--fuzz', '5')).toBe(1)
    expect(said).toBe('layerswarm: 1 broken promise; replay it with: the line\n')
  })
})

describe('a comparison', () => {
  test('refuses what is for a scenario, and scenarios and seeds that do not exist, before anything runs', async () => {
    const refused: readonly (readonly [readonly string[], string])[] = [
      [['--policy', 'gossip'], '--policy is for a SCENARIO, not for simulate compare'],
      [['--set', 'links.loss=0'], '--set is for a SCENARIO, not for simulate compare'],
      [['--seeds', '1,x'], '--seeds takes whole numbers up to'],
      [['--scenarios', 'calm,storm'], 'there is no scenario "storm"'],
    ]
    for (const [words, line] of refused) {
      expect(await run('simulate', 'compare', '--no-accuracy', ...words)).toBe(2)
      expect(said).toContain(line)
    }
    expect(await run('simulate', 'calm', '--seeds', '1,2')).toBe(2)
    expect(said).toContain('--seeds is for simulate compare, not for calm')
  })

  test('fails with the line that replays a row that broke a promise', async () => {
    const policies = play('calm', { peers: 4, requests: 2, policy: 'any-order' }).policies
    const one = policies['any-order']
    const all = Object.fromEntries(POLICY_NAMES.map((name) => [name, one]))
    thread.result = { policies: all, settings: {}, broken: 1, replay: 'the row' }
    expect(await run('simulate', 'compare', '--scenarios', 'calm', '--no-accuracy')).toBe(1)
    expect(said).toContain('8 broken promises; replay the first with: the row\n')
  })
})
