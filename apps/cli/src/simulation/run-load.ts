import { type LoadOptions, type LoadReport, loadMarkdown } from '@layerswarm/lab'
import { openReportFolder, writeReportFiles } from './report-folder.ts'
import { runSimulation, type SimulationWatch } from './simulation-thread.ts'

/** What one search for the load that a swarm takes asks for. */
export interface LoadRun extends SimulationWatch {
  readonly options: Omit<LoadOptions, 'onProgress'>
  /** Where the report goes; undefined for none. */
  readonly folder: string | undefined
}

/**
 * Finds the loads at which p95 doubles, and reports.
 * @throws CliError `bad-usage` for an unknown scenario, `bad-file` when no report can go to the
 * folder, `interrupted` by the signal.
 */
export async function runLoad(run: LoadRun): Promise<{ report: LoadReport; markdown: string }> {
  await openReportFolder(run.folder)
  const report = await runSimulation({ kind: 'load', options: run.options }, run)
  const markdown = loadMarkdown(report)
  await writeReportFiles(run.folder, {
    'report.json': JSON.stringify(report),
    'report.md': markdown,
  })
  return { report, markdown }
}
