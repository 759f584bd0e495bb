import type { PolicyName } from './policies/policy.ts'
import { PRODUCTION } from './scenarios/settings.ts'
import {
  type ScoreRoutes,
  type SimulateOptions,
  type SimulationReport,
  scoreReport,
  simulate,
  wordsOf,
} from './simulate.ts'

/** One rate of leaving, and what every policy made of it. */
export interface ChurnPoint {
  /** Share of all peers that leave within a minute, 0 … 1. */
  readonly leavingPerMinute: number
  readonly report: SimulationReport
}

/** The same swarm at one rate of leaving after another. */
export interface ChurnReport {
  /** As in each point's report. */
  readonly protocol: string
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
  const [first] = points
  const protocol = first?.report.protocol ?? PRODUCTION
  return { protocol, points, replay: replayChurn(rates, options) }
}

function replayChurn(rates: readonly number[], options: SimulateOptions): string {
  const percents = rates.map((rate) => Number((100 * rate).toFixed(6))).join()
  return [`npx layerswarm simulate churn --rates ${percents}`, ...wordsOf(options)].join(' ')
}

/** Fills in accuracies. */
export async function scoreChurn(
  { protocol, points, replay }: ChurnReport,
  scoreRoutes: ScoreRoutes,
): Promise<ChurnReport> {
  const scored: ChurnPoint[] = []
  for (const { leavingPerMinute, report } of points)
    scored.push({ leavingPerMinute, report: await scoreReport(report, scoreRoutes) })
  return { protocol, points: scored, replay }
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

/** Whether the accuracies of a report are known. */
export function isScored({ policies }: SimulationReport): boolean {
  return Object.values(policies).some(({ accuracy }) => accuracy !== null)
}
