import { linePlot } from './plot.ts'
import { POLICY_NAMES, type PolicyName } from './policy.ts'
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
  /** Top-1 of the model that fits on one peer; null when it is not known. */
  readonly smallModelAccuracy: number | null
}

/** 39 % is the hardest churn that a deployed overlay was tested against (Rhea et al., USENIX 2004). */
export const CHURN_RATES: readonly number[] = [0.02, 0.1, 0.2, 0.39, 0.6, 0.8]

/** The same swarm at one rate of leaving after another, exponential sessions. */
export function simulateChurn(
  options: SimulateOptions & { readonly rates?: readonly number[] } = {},
): ChurnReport {
  const { rates = CHURN_RATES, ...others } = options
  const points = rates.map((leavingPerMinute) => {
    const set = {
      ...others.set,
      'churn.shape': 1,
      'churn.scaleMs': -60_000 / Math.log(1 - leavingPerMinute),
    }
    return { leavingPerMinute, report: simulate('harsh', { ...others, set }) }
  })
  return { points, smallModelAccuracy: null }
}

/** Fills in accuracies. @param smallModelAccuracy top-1 of a model that fits on one peer. */
export async function scoreChurn(
  { points }: ChurnReport,
  scoreRoutes: ScoreRoutes,
  smallModelAccuracy: number | null = null,
): Promise<ChurnReport> {
  const scored: ChurnPoint[] = []
  for (const { leavingPerMinute, report } of points)
    scored.push({ leavingPerMinute, report: await scoreReport(report, scoreRoutes) })
  return { points: scored, smallModelAccuracy }
}

/** Share of all requests that were answered, and rightly where accuracies are known. */
export function completion(
  { report }: ChurnPoint,
  policy: PolicyName,
  smallModelAccuracy: number | null,
): number | undefined {
  const one = report.policies[policy]
  if (one === undefined) return undefined
  const accuracy = policy === 'small-model' ? smallModelAccuracy : one.accuracy
  return one.answeredShare * (accuracy ?? 1)
}

/** Accuracy x completion against churn, one line per policy. */
export function churnPlot({ points, smallModelAccuracy }: ChurnReport): string {
  const isScored = points.some(({ report }) => report.policies['any-order']?.accuracy !== null)
  return linePlot({
    title: isScored ? 'Accuracy × completion against churn' : 'Completion against churn',
    x: 'peers that leave per minute, %',
    y: isScored ? 'answered correctly' : 'answered',
    yMax: 1,
    percent: true,
    series: POLICY_NAMES.map((name) => ({
      name,
      points: points.flatMap((point) => {
        const y = completion(point, name, smallModelAccuracy)
        return y === undefined ? [] : [[100 * point.leavingPerMinute, y] as const]
      }),
    })).filter(({ points: line }) => line.length > 0),
  })
}
