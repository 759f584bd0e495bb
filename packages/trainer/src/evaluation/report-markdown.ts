import type { Evaluation } from './evaluate-models.ts'
import { grouped, type ReportTable, reportTables } from './report-tables.ts'

/** A table in Markdown; the first column is text, the others are figures. */
export function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]) {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const rule = `|---|${columns
    .slice(1)
    .map(() => '--:|')
    .join('')}`
  return [line(columns), rule, ...rows.map(line)].join('\n')
}

/** What the figures were measured on, in one line. */
export function aboutImages({ releases }: Evaluation): string {
  const [first] = releases
  if (first === undefined) return 'No model was measured.'
  const { images, arbitrary } = first
  return `${grouped(images)} test images; ${arbitrary.seeds} seeds with ${grouped(arbitrary.orders)} orders for the accuracies in arbitrary order.`
}

/** An evaluation as a Markdown page. */
export function evaluationMarkdown(evaluation: Evaluation): string {
  const sections = reportTables(evaluation).map(
    ({ title, about, columns, rows }: ReportTable) =>
      `## ${title}\n\n${about}\n\n${markdownTable(columns, rows)}`,
  )
  return `${['# Evaluation', aboutImages(evaluation), ...sections].join('\n\n')}\n`
}
