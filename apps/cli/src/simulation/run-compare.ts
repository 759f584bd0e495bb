import { availableParallelism } from 'node:os'
import {
  type CompareCell,
  type CompareOptions,
  type CompareReport,
  type CompareRow,
  compareCells,
  compareHtml,
  compareMarkdown,
  compareReport,
  compareRow,
  scoreReport,
} from '@layerswarm/lab'
import { SwarmError } from '@layerswarm/swarm'
import { usageError } from '../cli-error.ts'
import { openReportFolder, writeReportFiles } from './report-folder.ts'
import type { RouteScorer } from './route-scores.ts'
import { type ScenarioRun, scoring, withScorer } from './run-scenario.ts'
import { runSimulation } from './simulation-thread.ts'

/** What one comparison asks for, beside what a scenario does. */
export type CompareRun = Pick<
  ScenarioRun,
  'scored' | 'small' | 'folder' | 'signal' | 'progress'
> & {
  readonly options: CompareOptions
}

/**
 * Simulates every scenario with every policy, one core left free, and reports. When the signal comes
 * the table has what there is by then.
 * @throws CliError `bad-usage` for an unknown scenario or a number out of range, `bad-file` when no
 * report can go to the folder.
 */
export async function runCompare(
  run: CompareRun,
): Promise<{ report: CompareReport; markdown: string }> {
  const cells = cellsOf(run.options)
  await openReportFolder(run.folder)
  const rows = await withScorer(run, (scorer) => simulateAll(cells, run, scorer))
  const report = compareReport(run.options, rows)
  const markdown = compareMarkdown(report)
  await writeReportFiles(run.folder, {
    'report.json': JSON.stringify(report),
    'report.md': markdown,
    'report.html': compareHtml(report),
  })
  return { report, markdown }
}

function cellsOf(options: CompareOptions): CompareCell[] {
  try {
    return compareCells(options)
  } catch (error) {
    if (error instanceof SwarmError) throw usageError(error.message)
    throw error
  }
}

/** @returns the rows that ended, in the order of the cells. */
async function simulateAll(
  cells: readonly CompareCell[],
  run: CompareRun,
  scorer: RouteScorer | undefined,
): Promise<CompareRow[]> {
  const rows = new Array<CompareRow | undefined>(cells.length)
  const left = cells.entries()
  let done = 0
  const work = async () => {
    for (const [at, cell] of left) {
      const row = await simulateCell(cell, run, scorer)
      if (row === undefined) return
      rows[at] = row
      run.progress(`${++done} of ${cells.length}: ${nameOf(cell)}, ${Math.round(row.p50Ms)} ms`)
    }
  }
  const threads = Math.max(1, Math.min(availableParallelism() - 1, cells.length))
  await Promise.all(Array.from({ length: threads }, work))
  return rows.filter((row) => row !== undefined)
}

/** Undefined when the signal came first. */
async function simulateCell(
  cell: CompareCell,
  { signal, progress }: CompareRun,
  scorer: RouteScorer | undefined,
): Promise<CompareRow | undefined> {
  const watch = { signal, progress: (text: string) => progress(`${nameOf(cell)}: ${text}`) }
  try {
    const { scenario, options } = cell
    const plain = await runSimulation({ kind: 'scenario', scenario, options }, watch)
    const score = scoring(scorer, plain, { log: () => {}, doing: () => {} })
    return compareRow(cell, score === undefined ? plain : await scoreReport(plain, score))
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  }
}

function nameOf({ scenario, seed, policy, placement }: CompareCell): string {
  return `${scenario}, seed ${seed}, ${policy}${placement === 'blocks' ? ' in blocks' : ''}`
}
