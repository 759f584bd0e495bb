import { linePlot } from '@layerswarm/figures'
import { type ChurnPoint, type ChurnReport, completion, isScored } from '../churn.ts'
import { POLICY_NAMES, type PolicyName } from '../policies/policy.ts'
import { percent, protocolLine, table } from './format.ts'

/** The lines of the plot, each with its name there. */
const LINES = {
  'any-order': 'any order',
  'fixed-order': 'fixed chain',
  'fixed-order-replay': 'fixed chain, lost hops replayed',
  'small-model': 'small model on one peer',
} as const satisfies Partial<Record<PolicyName, string>>

/** Accuracy x completion against churn, one line per policy. */
export function churnPlot({ points }: ChurnReport): string {
  const scored = points.some(({ report }) => isScored(report))
  const series = (Object.keys(LINES) as (keyof typeof LINES)[])
    .map((name) => ({
      name: LINES[name],
      points: points.flatMap((point) => {
        const y = completion(point, name)
        return y === undefined ? [] : [[100 * point.leavingPerMinute, y] as const]
      }),
    }))
    .filter(({ points: line }) => line.length > 0)
  const lowest = Math.min(1, ...series.flatMap((one) => one.points.map(([, y]) => y)))
  return linePlot({
    title: scored ? 'Accuracy × completion against churn' : 'Completion against churn',
    x: 'peers that leave per minute, %',
    y: scored ? 'requests answered correctly' : 'requests answered',
    yMin: Math.max(0, Math.floor(lowest * 10 - 0.5) / 10),
    yMax: 1,
    percent: true,
    series,
  })
}

/** The figure as tables in Markdown: completion, accuracy, and both together. */
export function churnMarkdown(churn: ChurnReport): string {
  const { points, replay } = churn
  const [first] = points
  if (first === undefined) return '# churn\n'
  const { peers, requests, seed } = first.report
  const names = POLICY_NAMES.filter((name) => first.report.policies[name] !== undefined)
  const rows = (of: (point: ChurnPoint, name: PolicyName) => number | null | undefined) =>
    points.map((point) => [
      percent(point.leavingPerMinute),
      ...names.map((name) => percentOrDash(of(point, name))),
    ])
  const head = ['leaving per minute', ...names]
  const isSmallUnknown =
    isScored(first.report) && first.report.policies['small-model']?.accuracy === null
  return `${[
    protocolLine(churn),
    '',
    '# churn',
    '',
    `${peers} providers, ${requests} requests at each rate, seed ${seed}.`,
    '',
    '## Answered correctly: completion × top-1',
    '',
    ...table(head, rows(completion)),
    '',
    ...(isSmallUnknown
      ? ['The small model has no accuracy: none ships, and none was named with `--small DIR`.', '']
      : []),
    '## Answered',
    '',
    ...table(
      head,
      rows(({ report }, name) => report.policies[name]?.answeredShare),
    ),
    '',
    '## Top-1 of the answers',
    '',
    ...table(
      head,
      rows(({ report }, name) => report.policies[name]?.accuracy),
    ),
    '',
    '## Repeat',
    '',
    '```sh',
    replay,
    '```',
  ].join('\n')}\n`
}

function percentOrDash(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : percent(value)
}
