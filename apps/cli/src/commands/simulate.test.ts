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
    {
      commands: COMMANDS,
      version: '1.2.3',
      signal,
      whenCutOff: () => {},
      stdout: () => undefined,
      stderr: say,
      columns: () => undefined,
    },
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

/** Words that are refused, and the line that says why. */
type Refused = readonly (readonly [readonly string[], string])[]

/** @param first of all these words. */
async function expectRefused(refused: Refused, ...first: readonly string[]): Promise<void> {
  for (const [words, line] of refused) {
    expect(await run('simulate', ...first, ...words)).toBe(2)
    expect(said).toBe(`layerswarm: ${line}\n`)
  }
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

describe('layers that are given', () => {
  test('are refused in one line where they are none, or mean nothing', async () => {
    const refused: Refused = [
      [['calm', '--hosted', '0,1/x'], '--hosted takes layer numbers as 2,0,1 or 0-3, not "x"'],
      [['calm', '--hosted', ''], '--hosted takes the layers of each provider as 0,1/2-4, not ""'],
      [
        ['calm', '--hosted', '0//1'],
        '--hosted takes the layers of each provider as 0,1/2-4, not "0//1"',
      ],
      [['compare', '--hosted', '0'], '--hosted is for a SCENARIO, not for simulate compare'],
      [['load', '--hosted', '0'], '--hosted is for a SCENARIO, not for simulate load'],
      [['--fuzz', '1', '--hosted', '0'], '--hosted is for a SCENARIO, not for --fuzz'],
    ]
    await expectRefused(refused)
  })
})

describe('what is given twice', () => {
  test('is refused in one line', async () => {
    const refused: Refused = [
      [
        ['calm', '--peers', '4', '--set', 'peers.count=5'],
        '--peers and --set peers.count say the same: give one of them',
      ],
      [
        ['calm', '--requests', '4', '--set', 'requests.count=5'],
        '--requests and --set requests.count say the same: give one of them',
      ],
      [
        ['compare', '--seed', '1', '--seeds', '1,2'],
        '--seed and --seeds say the same: give one of them',
      ],
      [
        ['calm', '--set', 'links.loss=0', '--set', 'links.loss=0.1'],
        '--set links.loss is given twice',
      ],
      [['compare', '--seeds', '1,2,1'], '--seeds names 1 twice'],
      [['compare', '--scenarios', 'calm,calm'], '--scenarios names calm twice'],
      [['compare', '--policies', 'gossip,gossip'], '--policies names gossip twice'],
      [['churn', '--rates', '2,2'], '--rates names 2 twice'],
      [['calm', '--hosted', '0-1,1'], '--hosted names layer 1 twice'],
    ]
    await expectRefused(refused)
  })
})

describe('a comparison', () => {
  test('refuses what is for a scenario, and scenarios and seeds that do not exist, before anything runs', async () => {
    const refused: Refused = [
      [['--policy', 'gossip'], '--policy is for a SCENARIO, not for simulate compare'],
      [['--set', 'links.storm=0'], 'there is no setting "links.storm"'],
      [['--policies', 'any-order,storm'], 'there is no policy "storm"'],
      [['--seeds', '1,x'], '--seeds takes whole numbers up to'],
      [['--scenarios', 'calm,storm'], 'there is no scenario "storm"'],
    ]
    for (const [words, line] of refused) {
      expect(await run('simulate', 'compare', '--no-accuracy', ...words)).toBe(2)
      expect(said).toContain(line)
    }
    expect(await run('simulate', 'calm', '--seeds', '1,2')).toBe(2)
    expect(said).toContain('--seeds is for simulate compare, not for calm')
    expect(await run('simulate', 'calm', '--scenarios', 'calm')).toBe(2)
    expect(said).toContain('--scenarios is for simulate compare and load, not for calm')
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

describe('a search for the load that a swarm takes', () => {
  test('refuses what is for a scenario and for a comparison in one line', async () => {
    const refused: Refused = [
      [['--policy', 'gossip'], '--policy is for a SCENARIO, not for simulate load'],
      [['--set', 'links.loss=0'], '--set is for a SCENARIO, not for simulate load'],
      [['--seeds', '1,2'], '--seeds is for simulate compare, not for simulate load'],
    ]
    await expectRefused(refused, 'load')
  })

  test('fails with the line that replays a load that broke a promise', async () => {
    const point = { perMinute: 60, requests: 200, p95Ms: 400, broken: 0, replay: 'fine' }
    const row = {
      scenario: 'calm',
      policy: 'any-order',
      placement: 'random',
      light: point,
      doublesPerMinute: 90,
      points: [{ ...point, broken: 2, replay: 'the load' }],
    }
    thread.result = { protocol: 'p', peers: 4, seed: 1, rows: [row], broken: 2, replay: 'all' }
    expect(await run('simulate', 'load')).toBe(1)
    expect(said).toContain('2 broken promises; replay the first with: the load\n')
  })
})
