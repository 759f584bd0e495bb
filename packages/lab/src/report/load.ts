import { contenderName } from '../compare.ts'
import { LOAD_BRACKET_MAX, LOAD_PER_MINUTE_MAX } from '../limits.ts'
import type { LoadPoint, LoadReport, LoadRow } from '../load.ts'
import { POLICIES } from '../policies/policy.ts'
import { protocolLine, table } from './format.ts'

const HEAD = ['scenario', 'policy', 'p95 at a light load', 'p95 doubles at', 'simulations']

/** What swarms take, as Markdown: one row per scenario and policy, every load that was tried, how to repeat it. */
export function loadMarkdown(report: LoadReport): string {
  const { peers, seed, rows, broken, replay } = report
  const policies = [...new Set(rows.map(({ policy }) => policy))]
  const points = rows.flatMap(({ light, points: tried }) => [light, ...tried])
  const lines = [protocolLine(report), '', '# load', '', `${peers} providers, seed ${seed}.`, '']
  lines.push(...table(HEAD, rows.map(cells)), '')
  lines.push(
    `- p95 is that of all requests, those without an answer counted as later than any. The doubling is bracketed within ${Math.round(100 * (LOAD_BRACKET_MAX - 1))} %, and the middle of the bracket is given.`,
    ...policies.map((name) => `- **${name}**: ${POLICIES[name]}`),
  )
  for (const row of rows)
    lines.push('', `## ${row.scenario}, ${contenderName(row)}`, '', ...pointsTable(row))
  lines.push('', '## Promises', '')
  if (broken === 0) lines.push('None broken.')
  else
    lines.push(
      ...points
        .filter((point) => point.broken > 0)
        .map((point) => `- ${point.broken} broken: ${point.replay}`),
    )
  lines.push('', '## Repeat', '', '```sh', replay, '```')
  return `${lines.join('\n')}\n`
}

function cells({ light, doublesPerMinute, points, ...row }: LoadRow): string[] {
  return [
    row.scenario,
    contenderName(row),
    `${p95Cell(light)} (${perMinute(light.perMinute)})`,
    doublesCell(light, doublesPerMinute),
    String(1 + points.length),
  ]
}

function doublesCell(light: LoadPoint, doubles: number | null): string {
  if (doubles !== null) return perMinute(doubles)
  return light.p95Ms === null ? '–' : `above ${perMinute(LOAD_PER_MINUTE_MAX)}`
}

function pointsTable({ light, points }: LoadRow): string[] {
  return table(
    ['load', 'requests', 'p95'],
    [light, ...points]
      .toSorted((a, b) => a.perMinute - b.perMinute)
      .map((point) => [perMinute(point.perMinute), String(point.requests), p95Cell(point)]),
  )
}

function p95Cell({ p95Ms }: LoadPoint): string {
  return p95Ms === null ? 'more than 5 % too late' : `${Math.round(p95Ms)} ms`
}

function perMinute(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/min`
}
