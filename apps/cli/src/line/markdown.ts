import { fit } from './fit.ts'
import { tableLines } from './table.ts'
import { wrap } from './wrap.ts'

/** A row of a table in Markdown, and the rule below its head. */
const ROW = /^\|(.*)\|$/
const RULE = /^\|(?: ?:?-+:? ?\|)+$/

/**
 * A report in Markdown as a person reads it on a terminal: tables aligned, marks left out.
 * @param columns cells of the terminal.
 */
export function layOut(markdown: string, columns: number): string[] {
  const lines: string[] = []
  let rows: string[][] = []
  const closeTable = (): void => {
    const [head, ...others] = rows
    if (head !== undefined) lines.push(...tableLines({ head, rows: others }, columns))
    rows = []
  }
  for (const line of markdown.trimEnd().split('\n')) {
    const [, cells] = ROW.exec(line) ?? []
    if (cells !== undefined) {
      if (!RULE.test(line)) rows.push(cells.split('|').map((cell) => unmarked(cell.trim())))
      continue
    }
    closeTable()
    if (line.startsWith('```')) continue
    const isProse = /^[A-Z]/.test(line)
    lines.push(...(isProse ? wrap : fit)(unmarked(line), columns))
  }
  closeTable()
  return lines
}

function unmarked(text: string): string {
  return text
    .replace(/^#+ /, '')
    .replace(/\*\*([^*]+)\*\*/g, '$1')
    .replaceAll('`', '')
}
