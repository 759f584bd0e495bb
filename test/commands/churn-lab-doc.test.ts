import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../support/run-command.ts'

const page = fileURLToPath(new URL('../../docs/churn-lab.md', import.meta.url))

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-lab-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

/** Runs a command of the page as printed, but for where reports go. */
async function run(line: string): Promise<string> {
  const words = line.split(' ').slice(2)
  const { code, stdout, stderr } = await runCommand(
    ...words.map((word) => (word.startsWith('runs/') ? join(scratch, word) : word)),
  )
  expect(code, stderr).toBe(0)
  return stdout
}

/** Every command that the lab's page shows on a line of its own, and what it must show. */
const COMMANDS: Readonly<Record<string, (line: string) => Promise<void>>> = {
  'npx layerswarm simulate harsh --peers 40 --requests 150 --seed 1 --report runs/harsh': async (
    line,
  ) => {
    const said = await run(line)
    expect(said).toMatch(/^Protocol: production's protocol\.\n/)
    for (const policy of ['any-order', 'fixed-order', 'fixed-order-replay', 'random-order'])
      expect(said).toMatch(new RegExp(`\\| ${policy} \\| \\d+\\.\\d+ % \\|`))
    expect((await readdir(join(scratch, 'runs/harsh'))).toSorted()).toEqual([
      'report.html',
      'report.json',
      'report.md',
    ])
  },
  'npx layerswarm simulate tabs --peers 20 --requests 100 --policy any-order --set links.loss=0.05':
    async (line) => {
      const once = JSON.parse(await run(`${line} --json --no-accuracy`))
      expect(once.policies['any-order'].answeredShare).toBeGreaterThan(0.95)
      // The line that a report shows repeats it.
      const again = JSON.parse(await run(`${once.replay} --json --no-accuracy`))
      expect(again.traceHash).toBe(once.traceHash)
    },
  'npx layerswarm simulate churn --peers 20 --requests 20 --rates 10,60 --report runs/churn':
    async (line) => {
      expect(await run(line)).toContain('Answered correctly')
      expect((await readdir(join(scratch, 'runs/churn'))).toSorted()).toEqual([
        'churn.svg',
        'report.html',
        'report.json',
        'report.md',
      ])
      const figure = await readFile(join(scratch, 'runs/churn/churn.svg'), 'utf8')
      expect(figure).toContain('Accuracy × completion against churn')
      for (const line of ['any order', 'fixed chain', 'fixed chain, lost hops replayed'])
        expect(figure).toContain(`>${line}</text>`)
      const report = await readFile(join(scratch, 'runs/churn/report.json'), 'utf8')
      expect(JSON.parse(report).points).toMatchObject([
        { leavingPerMinute: 0.1 },
        { leavingPerMinute: 0.6 },
      ])
    },
  'npx layerswarm simulate compare --peers 12 --requests 20 --scenarios harsh,calm --report runs/compare':
    async (line) => {
      const said = await run(`${line} --no-accuracy`)
      for (const row of ['any-order', 'direct', 'gossip', 'oracle', 'fixed-order-replay'])
        expect(said).toContain(row)
      expect((await readdir(join(scratch, 'runs/compare'))).toSorted()).toEqual([
        'report.html',
        'report.json',
        'report.md',
      ])
    },
  'npx layerswarm simulate load --peers 12 --requests 20 --scenarios calm --report runs/load':
    async (line) => {
      const said = await run(line)
      for (const row of ['any-order', 'fixed-order-replay', 'fixed-order-replay, blocks'])
        expect(said).toMatch(
          new RegExp(`\\| calm \\| ${row} \\| \\d+ ms \\(120/min\\) \\| [\\d,]+/min \\|`),
        )
      expect((await readdir(join(scratch, 'runs/load'))).toSorted()).toEqual([
        'report.json',
        'report.md',
      ])
    },
  'npx layerswarm simulate calm --peers 4 --requests 20 --hosted 0,1/2,3/4,5/6,7': async (line) => {
    const { policies } = JSON.parse(await run(`${line} --policy any-order --json --no-accuracy`))
    const { answeredShare, hopsPerRequest, visitsPerRequest } = policies['any-order']
    expect(answeredShare).toBe(1)
    expect(hopsPerRequest).toBe(8)
    // No peer has more than two of the eight layers.
    expect(visitsPerRequest).toBeGreaterThanOrEqual(4)
  },
  'npx layerswarm simulate --fuzz 100 --seed 5': async (line) => {
    expect(await run(line)).toContain('0 worlds broke a promise')
  },
}

describe("the lab's page", () => {
  test('shows the commands that this file runs', async () => {
    const text = await readFile(page, 'utf8')
    const shown = [...text.matchAll(/^(npx layerswarm [^#\n]*)/gm)].map(([line]) => line.trim())
    expect(shown.toSorted()).toEqual(Object.keys(COMMANDS).toSorted())
  })

  test.each(Object.entries(COMMANDS))('%s', async (line, check) => check(line))
})
