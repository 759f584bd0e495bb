import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  reportHtml,
  reportMarkdown,
  type SimulateOptions,
  type SimulationReport,
  SwarmError,
  scoreReport,
  simulate,
} from '@layerswarm/swarm'
import { usageError } from './cli-error.ts'
import { openRouteScorer } from './route-scores.ts'

export interface ScenarioRun extends Omit<SimulateOptions, 'onProgress'> {
  /** Whether the routes are run through the shipped model. */
  readonly scored: boolean
  /** Where the report goes; undefined for none. */
  readonly folder: string | undefined
  readonly signal: AbortSignal
  log(line: string): void
}

/** Simulates, scores and reports. @throws CliError `bad-usage` for an unknown scenario, policy or setting. */
export async function runScenario(
  scenario: string,
  { scored, folder, signal, log, ...options }: ScenarioRun,
): Promise<{ report: SimulationReport; markdown: string }> {
  let saidMs = performance.now()
  const plain = simulateAsTold(scenario, {
    ...options,
    onProgress({ policy, done, of }) {
      signal.throwIfAborted()
      if (performance.now() - saidMs < 1_000) return
      saidMs = performance.now()
      log(`${policy}: ${done} of ${of} requests`)
    },
  })
  const report = scored ? await score(plain, log) : plain
  const markdown = reportMarkdown(report)
  if (folder !== undefined) {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'report.json'), JSON.stringify(report))
    await writeFile(join(folder, 'report.md'), markdown)
    await writeFile(join(folder, 'report.html'), reportHtml(report))
  }
  return { report, markdown }
}

function simulateAsTold(scenario: string, options: SimulateOptions): SimulationReport {
  try {
    return simulate(scenario, options)
  } catch (error) {
    // What cannot be simulated was named on the command line.
    if (error instanceof SwarmError && error.code === 'bad-request') throw usageError(error.message)
    throw error
  }
}

async function score(
  report: SimulationReport,
  log: (line: string) => void,
): Promise<SimulationReport> {
  const scorer = await openRouteScorer()
  try {
    if (report.settings['model.layers'] !== scorer.layers) {
      log(
        `no accuracy: the shipped model has ${scorer.layers} layers, not ${report.settings['model.layers']}`,
      )
      return report
    }
    log('running the routes through the shipped model')
    return await scoreReport(report, (routes) => scorer.score(routes))
  } finally {
    await scorer.close()
  }
}
