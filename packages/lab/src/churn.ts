import { linePlot } from '@layerswarm/figures'
import { POLICY_NAMES, type PolicyName } from './policies/policy.ts'
import { percent, table } from './report/markdown.ts'
import {
  type ScoreRoutes,
  type SimulateOptions,
  type SimulationReport,
  scoreReport,
  simulate,
} from './simulate.ts'

/** One rate of leaving, and what every policy made of it. */
export interface ChurnPoint {
  /** Share of all peers that leave within a minute, 0 … 1. */
  readonly leavingPerMinute: number
  readonly report: SimulationReport
}

export interface ChurnReport {
  readonly points: readonly ChurnPoint[]
  /** The command that repeats this run. */
  readonly replay: string
}

/** 39 % is the hardest churn that a deployed overlay was tested against (Rhea et al., USENIX 2004). */
export const CHURN_RATES: readonly number[] = [0.02, 0.1, 0.2, 0.39, 0.6, 0.8]
/** What is changed for each rate: `harsh`, but for how long sessions are. */
const BASE = 'harsh'

/**
 * The same swarm at one rate of leaving after another, exponential sessions.
 * @throws SwarmError like `simulate`.
 */
export function simulateChurn(
  options: SimulateOptions & { readonly rates?: readonly number[] } = {},
): ChurnReport {
  const { rates = CHURN_RATES, ...others } = options
  const points = rates.map((leavingPerMinute) => {
    const set = {
      ...others.set,
      'churn.shape': 1,
      'churn.scaleMs': Math.round(-60_000 / Math.log(1 - leavingPerMinute)),
    }
    return { leavingPerMinute, report: simulate(BASE, { ...others, set }) }
  })
  return { points, replay: replayChurn(rates, options) }
}

function replayChurn(rates: readonly number[], options: SimulateOptions): string {
  const words = ['npx layerswarm simulate churn']
  words.push(`--rates ${rates.map((rate) => Number((100 * rate).toFixed(6))).join()}`)
  if (options.peers !== undefined) words.push(`--peers ${options.peers}`)
  if (options.requests !== undefined) words.push(`--requests ${options.requests}`)
  words.push(`--seed ${options.seed ?? 1}`)
  for (const [name, value] of Object.entries(options.set ?? {}))
    words.push(`--set ${name}=${value}`)
  return words.join(' ')
}

/** Fills in accuracies. */
export async function scoreChurn(
  { points, replay }: ChurnReport,
  scoreRoutes: ScoreRoutes,
): Promise<ChurnReport> {
  const scored: ChurnPoint[] = []
  for (const { leavingPerMinute, report } of points)
    scored.push({ leavingPerMinute, report: await scoreReport(report, scoreRoutes) })
  return { points: scored, replay }
}

/**
 * Share of all requests that were answered, and rightly where the accuracies are known; undefined
 * for a policy without an accuracy beside others that have one.
 */
export function completion({ report }: ChurnPoint, policy: PolicyName): number | undefined {
  const one = report.policies[policy]
  if (one === undefined) return undefined
  if (one.answered === 0) return 0
  if (isScored(report) && one.accuracy === null) return undefined
  return one.answeredShare * (one.accuracy ?? 1)
}

function isScored({ policies }: SimulationReport): boolean {
  return Object.values(policies).some(({ accuracy }) => accuracy !== null)
}

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
