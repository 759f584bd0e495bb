import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand, startCommand } from '../support/run-command.ts'

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-simulate-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

const SMALL = ['--peers', '20', '--requests', '40']
/** One lane carries a request a second with ease. */
const QUIET = ['--peers', '16', '--requests', '60', '--set', 'requests.perMinute=60']

async function simulate(...words: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runCommand('simulate', ...words, '--json')
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout)
}

describe('simulate', () => {
  test('runs every policy on one stage, scores it with the shipped model and reports', async () => {
    const folder = join(scratch, 'report')
    const report = await simulate('harsh', ...QUIET, '--seed', '4', '--report', folder)
    expect(report).toMatchObject({ scenario: 'harsh', seed: 4, peers: 16, requests: 60, broken: 0 })
    expect(Object.keys(report)[0]).toBe('protocol')
    expect(report.protocol).toBe("production's protocol")
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
    const markdown = await readFile(join(folder, 'report.md'), 'utf8')
    expect(markdown).toMatch(/^Protocol: production's protocol\.\n\n# harsh/)
    const html = await readFile(join(folder, 'report.html'), 'utf8')
    expect(html).toContain('<svg')
    expect(html).not.toMatch(/(src|href)="http/)
  })

  test('runs another world for another seed', async () => {
    const run = (seed: string) =>
      simulate('tabs', ...SMALL, '--seed', seed, '--policy', 'any-order', '--no-accuracy')
    const [one, other] = [await run('5'), await run('6')]
    expect(other.traceHash).not.toBe(one.traceHash)
  })

  test('looks for a small model before it simulates', async () => {
    const { code, stderr } = await runCommand('simulate', 'churn', '--small', 'nowhere')
    expect(stderr.trim()).toBe('layerswarm: nowhere does not exist')
    expect(code).toBe(1)
  })

  test('looks where its report goes before it simulates', async () => {
    const taken = join(scratch, 'taken')
    await writeFile(taken, '')
    const { code, stderr } = await runCommand('simulate', 'harsh', '--report', taken)
    expect(stderr.trim()).toBe(`layerswarm: ${taken} cannot be written: it is not a folder`)
    expect(code).toBe(1)
  })

  test('is interrupted wherever it is', async () => {
    const child = startCommand('simulate', 'calm', '--requests', '100000')
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    let said = ''
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (data) => {
        said += String(data)
        resolve()
      })
    })
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(said).toMatch(/^layerswarm: .*interrupted$/m)
  })

  test('gives what a search has found when it is interrupted', async () => {
    const child = startCommand('simulate', '--fuzz', '1000000', '--seed', '7', '--json')
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    let said = ''
    child.stdout?.on('data', (data) => {
      said += String(data)
    })
    // The first line of progress.
    await new Promise((resolve) => child.stderr?.once('data', resolve))
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    const { runs, requests, failures } = JSON.parse(said)
    expect(runs).toBeGreaterThan(0)
    expect(requests).toBeGreaterThan(0)
    expect(failures).toEqual([])
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
    [['--fuzz', '3', '--rates', '10'], /--rates is for a SCENARIO, not for --fuzz/],
    [['calm', '--set', 'peers.count=1.5'], /peers.count must be a whole number from 1 to 100000/],
    [['calm', '--rates', '10'], /--rates is for simulate churn/],
    [['churn', '--rates', '0,10'], /--rates takes percentages above 0 up to 99 as 2,10,39/],
  ])('%j is refused in one line', async (words, line) => {
    const { code, stderr } = await runCommand('simulate', ...words)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(line)
    expect(code).toBe(2)
  })
})
