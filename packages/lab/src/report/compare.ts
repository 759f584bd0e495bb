import { escapeXml, short } from '@layerswarm/figures'
import { type CompareReport, type CompareRow, contenderName } from '../compare.ts'
import { POLICIES, type PolicyName } from '../policies/policy.ts'
import { answerTime, htmlTable, percent, protocolLine, table } from './format.ts'
import { peerColumns, peerNotes } from './peers.ts'
import { REPORT_STYLE } from './style.ts'

const HEAD = [
  'policy',
  'seed',
  'requests',
  'answered',
  'partial',
  'top-1',
  'p50',
  'p95',
  'bytes/request',
  'of these, who asks',
  'wasted compute',
]

/** A comparison as Markdown: one table per scenario, what to know of it, how to repeat it. */
export function compareMarkdown(report: CompareReport): string {
  const lines = [protocolLine(report), '', '# compare', '', `${summaryOf(report)}.`]
  for (const [scenario, rows] of byScenario(report))
    lines.push('', `## ${scenario}`, '', ...table(...tableOf(rows)))
  lines.push('', '## Notes', '', ...notesOf(report).map((note) => `- ${note}`))
  lines.push(...policiesOf(report).map((name) => `- **${name}**: ${POLICIES[name]}`))
  lines.push('', '## Promises', '', ...promisesOf(report))
  lines.push('', '## Repeat', '', '```sh', report.replay, '```')
  return `${lines.join('\n')}\n`
}

/** The same as one HTML page that needs nothing else. */
export function compareHtml(report: CompareReport): string {
  const title = `compare: ${summaryOf(report)}`
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>${escapeXml(title)}</title><style>${REPORT_STYLE}</style></head><body><main>`,
    `<p>${escapeXml(protocolLine(report))}</p><header><h1>${escapeXml(title)}</h1></header>`,
    ...byScenario(report).map(
      ([scenario, rows]) =>
        `<section><h2>${escapeXml(scenario)}</h2>${htmlTable(...tableOf(rows))}</section>`,
    ),
    `<section><h2>Notes</h2><ul>${notesOf(report)
      .map((note) => `<li>${escapeXml(note)}</li>`)
      .join('')}</ul></section>`,
    `<section><h2>Policies</h2><dl>${policiesOf(report)
      .map((name) => `<dt>${escapeXml(name)}</dt><dd>${escapeXml(POLICIES[name])}</dd>`)
      .join('')}</dl></section>`,
    `<section><h2>Promises</h2>${promisesOf(report)
      .map((one) => `<p>${escapeXml(one)}</p>`)
      .join('')}</section>`,
    `<section><h2>Repeat</h2><pre>${escapeXml(report.replay)}</pre></section>`,
    '</main></body></html>',
  ].join('\n')
}

function summaryOf({ peers, requests, seeds, rows, wanted }: CompareReport): string {
  const missing = rows.length < wanted ? `, stopped after ${rows.length} of ${wanted} runs` : ''
  return `${peers} providers, ${requests} requests, seed${seeds.length === 1 ? '' : 's'} ${seeds.join(', ')}${missing}`
}

function byScenario({ rows, scenarios }: CompareReport): [string, CompareRow[]][] {
  return scenarios.flatMap((scenario): [string, CompareRow[]][] => {
    const own = rows.filter((row) => row.scenario === scenario)
    return own.length === 0 ? [] : [[scenario, own]]
  })
}

function policiesOf({ rows }: CompareReport): PolicyName[] {
  return [...new Set(rows.map(({ policy }) => policy))]
}

function notesOf({ notes, rows }: CompareReport): string[] {
  return [...notes, ...peerNotes(rows)]
}

/** The table of one scenario: head and rows. */
function tableOf(rows: readonly CompareRow[]): [string[], string[][]] {
  const columns = peerColumns(rows)
  return [
    [...HEAD, ...columns.map(({ head }) => head)],
    rows.map((row) => [...cells(row), ...columns.map(({ cell }) => cell(row))]),
  ]
}

function cells(row: CompareRow): string[] {
  return [
    contenderName(row),
    String(row.seed),
    String(row.requests),
    percent(row.answeredShare),
    percent(row.partialShare),
    row.accuracy === null ? '–' : percent(row.accuracy),
    answerTime(row.p50Ms, row.answeredShare),
    answerTime(row.p95Ms, row.answeredShare),
    short(row.bytesPerRequest),
    short(row.askerBytesPerRequest),
    percent(row.wastedComputeShare),
  ]
}

function promisesOf({ broken, rows }: CompareReport): string[] {
  if (broken === 0) return ['None broken.']
  return rows.filter((row) => row.broken > 0).map((row) => `${row.broken} broken: ${row.replay}`)
}
