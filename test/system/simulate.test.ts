import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from './run-command.ts'

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-simulate-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

const SMALL = ['--peers', '30', '--requests', '60']

async function simulate(...words: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runCommand('simulate', ...words, '--json')
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout)
}

describe('simulate', () => {
  test('runs every policy on one stage, scores it with the shipped model and reports', async () => {
    const folder = join(scratch, 'report')
    const report = await simulate('harsh', ...SMALL, '--seed', '1', '--report', folder)
    expect(report).toMatchObject({ scenario: 'harsh', seed: 1, peers: 30, requests: 60, broken: 0 })
    const policies = report.policies as Record<string, Record<string, number>>
    for (const name of ['any-order', 'fixed-order', 'fixed-order-replay']) {
      const { answeredShare = -1, accuracy = -1, p95Ms = -1, p50Ms = 0 } = policies[name] ?? {}
      expect(answeredShare).toBeGreaterThan(0)
      expect(answeredShare).toBeLessThanOrEqual(1)
      expect(accuracy).toBeGreaterThan(0.3)
      expect(p95Ms).toBeGreaterThanOrEqual(p50Ms)
    }
    expect(policies['any-order']?.answeredShare).toBeGreaterThan(
      policies['fixed-order']?.answeredShare ?? 1,
    )
    expect(await readFile(join(folder, 'report.md'), 'utf8')).toContain('# harsh')
    const html = await readFile(join(folder, 'report.html'), 'utf8')
    expect(html).toContain('<svg')
    expect(html).not.toMatch(/(src|href)="http/)
  })

  test('repeats itself from a seed, and differs for another', async () => {
    const run = (seed: string) =>
      simulate('tabs', ...SMALL, '--seed', seed, '--policy', 'any-order', '--no-accuracy')
    const [first, again, other] = [await run('5'), await run('5'), await run('6')]
    expect(again).toEqual(first)
    expect(other.traceHash).not.toBe(first.traceHash)
  })

  test('searches random worlds for a broken promise', async () => {
    expect(await simulate('--fuzz', '30', '--seed', '7')).toMatchObject({ runs: 30, failures: [] })
  })

  test.each([
    [['nowhere'], /the scenarios are calm, tabs, volunteers, harsh/],
    [[], /needs a SCENARIO: calm, tabs/],
    [['calm', '--set', 'links.los=1'], /there is no setting "links.los"/],
    [['calm', '--set', 'links.loss'], /--set takes NAME=VALUE/],
    [['calm', '--policy', 'magic'], /magic.*any-order/],
    [['calm', '--fuzz', '3'], /SCENARIO or --fuzz N, not both/],
  ])('%j is refused in one line', async (words, line) => {
    const { code, stderr } = await runCommand('simulate', ...words)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(line)
    expect(code).toBe(2)
  })
})
