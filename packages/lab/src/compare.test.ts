import { describe, expect, test } from 'vitest'
import { COMPARE_SCENARIOS, compareCells, compareReport, compareRow } from './compare.ts'
import { compareHtml, compareMarkdown } from './report/compare.ts'
import { simulate } from './simulate.ts'

const OPTIONS = { peers: 12, requests: 100, seeds: [1, 2], scenarios: ['calm', 'vitb-home'] }

describe('a comparison', () => {
  test('has every scenario with every seed and policy, the replaying chain in both placements', () => {
    const cells = compareCells({ ...OPTIONS, requests: 1_000 })
    expect(cells).toHaveLength(2 * 2 * 8)
    const replaying = cells.filter(({ policy }) => policy === 'fixed-order-replay')
    expect(replaying.map(({ placement }) => placement).slice(0, 2)).toEqual(['random', 'blocks'])
    expect(replaying[1]?.options.set).toEqual({ 'chain.blocks': 1 })
    const most = (scenario: string, policy: string) =>
      cells.find((cell) => cell.scenario === scenario && cell.policy === policy)?.options.requests
    expect(most('calm', 'any-order')).toBe(1_000)
    expect(most('vitb-home', 'any-order')).toBe(200)
    expect(most('calm', 'gossip')).toBe(60)
    const idle = compareCells({ ...OPTIONS, requests: 1_000, scenarios: ['idle'] })
    expect(new Set(idle.map(({ options }) => options.requests))).toEqual(new Set([6]))
    expect(new Set(compareCells().map(({ scenario }) => scenario))).toEqual(
      new Set(COMPARE_SCENARIOS),
    )
  })

  test('takes other policies and settings, and says so in its command', () => {
    const options = { policies: ['rounds', 'auto'], set: { 'requests.maxLoss': '5' } }
    const cells = compareCells({ ...OPTIONS, ...options, seeds: [1], scenarios: ['lan'] })
    expect(cells.map(({ policy }) => policy)).toEqual(['rounds', 'auto'])
    expect(cells[0]?.options.set).toEqual({ 'requests.maxLoss': '5' })
    const { protocol, replay } = compareReport(options, [])
    expect(protocol).toBe("production's protocol")
    expect(replay).toBe(
      'npx layerswarm simulate compare --policies rounds,auto --set requests.maxLoss=5',
    )
    expect(() => compareCells({ policies: ['quickest'] })).toThrow('there is no policy "quickest"')
    expect(() => compareCells({ set: { 'no.such': '1' } })).toThrow('no.such')
  })

  test('refuses a scenario that it does not know', () => {
    expect(() => compareCells({ scenarios: ['storm'] })).toThrow('there is no scenario "storm"')
  })

  test('reads each row off its own run, with presence in a column of its own', () => {
    const cells = compareCells({ ...OPTIONS, requests: 5, seeds: [1], scenarios: ['calm'] })
    const rows = cells
      .filter(({ policy }) => policy !== 'gossip')
      .map((cell) => compareRow(cell, simulate(cell.scenario, cell.options)))
    const report = compareReport({ ...OPTIONS, requests: 5, seeds: [1], scenarios: ['calm'] }, rows)
    expect(report).toMatchObject({ peers: 12, requests: 5, seeds: [1], wanted: 8, broken: 0 })
    expect(report.replay).toBe(
      'npx layerswarm simulate compare --peers 12 --requests 5 --seeds 1 --scenarios calm',
    )
    for (const row of rows) {
      expect(row.answered).toBe(5)
      expect(row.controlBytesPerPeerSecond).toBeGreaterThan(0)
      expect(row.replay).toContain(`--policy ${row.policy}`)
    }
    const text = compareMarkdown(report)
    expect(text).toMatch(/^Protocol: production's protocol, but for the claim policies direct and/)
    expect(text).toContain('stopped after 7 of 8 runs')
    expect(text).toContain('| fixed-order-replay, blocks | 1 | 5 | 100.0 % |')
    const page = compareHtml(report)
    expect(page).toContain('<th>presence kB/s per peer</th><th>newcomers without work</th>')
    expect(page).not.toContain('crash of the only copy')
    expect(page.match(/<tr>/g)).toHaveLength(1 + rows.length)
    expect(page).not.toMatch(/NaN|src=|href=/)
  })
})
