import { simulate as play, type SimulationReport } from '@layerswarm/lab'
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
