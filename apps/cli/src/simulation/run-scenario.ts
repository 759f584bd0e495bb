import { standaloneSvg } from '@layerswarm/figures'
import {
  type ChurnReport,
  churnMarkdown,
  churnPlot,
  reportHtml,
  reportMarkdown,
  type ScoreRoutes,
  type SimulateOptions,
  type SimulationReport,
  scoreChurn,
  scoreReport,
} from '@layerswarm/lab'
import { openReportFolder, writeReportFiles } from './report-folder.ts'
import { openRouteScorer, type RouteScorer } from './route-scores.ts'
import { runSimulation } from './simulation-thread.ts'

/** What one call of the command asks for. */
export interface ScenarioRun {
  readonly options: SimulateOptions
  /** Whether the routes are run through the shipped models. */
  readonly scored: boolean
  /** A folder with the model that fits on one peer; undefined for the shipped one. */
  readonly small: string | undefined
  /** Where the report goes; undefined for none. */
  readonly folder: string | undefined
  readonly signal: AbortSignal
  log(line: string): void
  doing(text: string): void
  progress(text: string): void
}

/** Simulates, scores and reports. @throws CliError `bad-usage` for an unknown scenario, policy or setting. */
export async function runScenario(
  scenario: string,
  run: ScenarioRun,
): Promise<{ report: SimulationReport; markdown: string }> {
  await openReportFolder(run.folder)
  const report = await withScorer(run, async (scorer) => {
    const plain = await runSimulation({ kind: 'scenario', scenario, options: run.options }, run)
    const score = scoring(scorer, plain, run)
    return score === undefined ? plain : scoreReport(plain, score)
  })
  const markdown = reportMarkdown(report)
  await writeReportFiles(run.folder, {
    'report.json': JSON.stringify(report),
    'report.md': markdown,
    'report.html': reportHtml(report),
  })
  return { report, markdown }
}

/**
 * The same over one rate of leaving after another.
 * @param rates shares of all peers that leave per minute; the usual ones when undefined.
 * @throws as `runScenario`.
 */
export async function runChurn(
  run: ScenarioRun,
  rates?: readonly number[],
): Promise<{ churn: ChurnReport; markdown: string }> {
  const options = { ...run.options, ...(rates === undefined ? {} : { rates }) }
  await openReportFolder(run.folder)
  const churn = await withScorer(run, async (scorer) => {
    const plain = await runSimulation({ kind: 'churn', options }, run)
    const score = scoring(scorer, plain.points[0]?.report, run)
    return score === undefined ? plain : scoreChurn(plain, score)
  })
  const markdown = churnMarkdown(churn)
  // The rest of the page shows the middle of the sweep.
  const shown = churn.points[Math.floor(churn.points.length / 2)]?.report
  if (shown !== undefined)
    await writeReportFiles(run.folder, {
      'churn.svg': standaloneSvg(churnPlot(churn)),
      'report.json': JSON.stringify(churn),
      'report.md': markdown,
      'report.html': reportHtml(shown, churn),
    })
  return { churn, markdown }
}

/** With a scorer for the routes, opened before the first minute of simulation is spent. */
export async function withScorer<R>(
  { scored, small }: Pick<ScenarioRun, 'scored' | 'small'>,
  work: (scorer: RouteScorer | undefined) => Promise<R>,
): Promise<R> {
  if (!scored) return work(undefined)
  const scorer = await openRouteScorer(small)
  try {
    return await work(scorer)
  } finally {
    await scorer.close()
  }
}

/** How routes are scored; undefined when the simulated model is not of the shipped one's size. */
export function scoring(
  scorer: RouteScorer | undefined,
  like: SimulationReport | undefined,
  { log, doing }: Pick<ScenarioRun, 'log' | 'doing'>,
): ScoreRoutes | undefined {
  const layers = like?.settings['model.layers']
  if (scorer === undefined || layers === undefined) return undefined
  if (layers !== scorer.layers) {
    log(`no accuracy: the shipped model has ${scorer.layers} layers, not ${layers}`)
    return undefined
  }
  doing(`running the routes through the models (${scorer.models.join('; ')})`)
  return (routes, policy) => scorer.score(routes, policy)
}
