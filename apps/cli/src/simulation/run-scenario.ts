import { access, constants, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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
import { CliError } from '../cli-error.ts'
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
}

/** Simulates, scores and reports. @throws CliError `bad-usage` for an unknown scenario, policy or setting. */
export async function runScenario(
  scenario: string,
  run: ScenarioRun,
): Promise<{ report: SimulationReport; markdown: string }> {
  await openFolder(run.folder)
  const report = await withScorer(run, async (scorer) => {
    const plain = await runSimulation({ kind: 'scenario', scenario, options: run.options }, run)
    const score = scoring(scorer, plain, run)
    return score === undefined ? plain : scoreReport(plain, score)
  })
  const markdown = reportMarkdown(report)
  await writeFiles(run.folder, {
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
  await openFolder(run.folder)
  const churn = await withScorer(run, async (scorer) => {
    const plain = await runSimulation({ kind: 'churn', options }, run)
    const score = scoring(scorer, plain.points[0]?.report, run)
    return score === undefined ? plain : scoreChurn(plain, score)
  })
  const markdown = churnMarkdown(churn)
  // The rest of the page shows the middle of the sweep.
  const shown = churn.points[Math.floor(churn.points.length / 2)]?.report
  if (shown !== undefined)
    await writeFiles(run.folder, {
      'churn.svg': standaloneSvg(churnPlot(churn)),
      'report.json': JSON.stringify(churn),
      'report.md': markdown,
      'report.html': reportHtml(shown, churn),
    })
  return { churn, markdown }
}

/** Before the first minute is spent. @throws CliError `bad-file` when no report can go there. */
async function openFolder(folder: string | undefined): Promise<void> {
  if (folder === undefined) return
  try {
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'no access'
    throw new CliError(
      { code: 'bad-file', path: folder },
      `no report can be written to ${folder} (${code})`,
    )
  }
}

async function writeFiles(
  folder: string | undefined,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  if (folder === undefined) return
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
}

/** With a scorer for the routes, opened before the first minute of simulation is spent. */
async function withScorer<R>(
  { scored, small }: ScenarioRun,
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
function scoring(
  scorer: RouteScorer | undefined,
  like: SimulationReport | undefined,
  { log }: ScenarioRun,
): ScoreRoutes | undefined {
  const layers = like?.settings['model.layers']
  if (scorer === undefined || layers === undefined) return undefined
  if (layers !== scorer.layers) {
    log(`no accuracy: the shipped model has ${scorer.layers} layers, not ${layers}`)
    return undefined
  }
  log(`running the routes through the models (${scorer.models.join('; ')})`)
  return (routes, policy) => scorer.score(routes, policy)
}
