import { wrap } from './wrap.ts'

/** Columns with a head each, all of them empty for none; the first column says what a row is about. */
export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** Stands before every line; nothing where it is left out. */
  readonly indent?: string
}

/** What stands between two columns. */
const GAP = '  '

/** What the first column may take of a line, so that others have room beside it. */
const FIRST_SHARE_MAX = 0.5

/** What only has figures is set flush right, whatever unit they have. */
const FIGURE = /^(?:[-−+±]?\d.*|–|)$/

interface Column {
  readonly head: readonly string[]
  /** The lines of each cell. */
  readonly cells: readonly (readonly string[])[]
  readonly width: number
  readonly isRight: boolean
}

/**
 * Aligned lines of a table. Where the columns have no room beside each other the table goes on below, behind its
 * first column again.
 * @param columns cells that a line may take; undefined for as many as it needs.
 */
export function tableLines(
  { head, rows, indent = '' }: Table,
  columns = Number.POSITIVE_INFINITY,
): string[] {
  const room = columns - indent.length
  const [first, ...others] = head.map((text, at) =>
    columnOf(text, cellsOf(rows, at), at === 0 ? room * FIRST_SHARE_MAX : room),
  )
  if (first === undefined) return []
  const groups: Column[][] = [[first]]
  let used = first.width
  for (const column of others) {
    if (used + GAP.length + column.width > room && groups.at(-1)?.length !== 1) {
      groups.push([first])
      used = first.width
    }
    groups.at(-1)?.push(column)
    used += GAP.length + column.width
  }
  return groups.flatMap((group, at) => [
    ...(at === 0 ? [] : ['']),
    ...groupLines(group).map((line) => `${indent}${line}`),
  ])
}

function cellsOf(rows: Table['rows'], at: number): string[] {
  return rows.map((row) => row[at] ?? '')
}

/** As narrow as its cells; a head that is longer takes several lines, as does a cell that is wider than it may be. */
function columnOf(text: string, texts: readonly string[], widthMax: number): Column {
  const cells = texts.map((cell) =>
    lengthOf(cell) <= widthMax ? [cell] : wrapCell(cell, widthMax),
  )
  const widest = Math.max(0, ...cells.flat().map(lengthOf))
  const words = text.replaceAll('/', '/ ').split(' ')
  const head = Number.isFinite(widthMax)
    ? wrap(words.join(' '), Math.max(widest, ...words.map(lengthOf))).map((line) =>
        line.replaceAll('/ ', '/'),
      )
    : [text]
  const width = Math.max(widest, ...head.map(lengthOf))
  return { head, cells, width, isRight: texts.every((cell) => FIGURE.test(cell)) }
}

function wrapCell(cell: string, columns: number): string[] {
  const [indent = ''] = /^ */.exec(cell) ?? []
  return wrap(cell.trimStart(), columns - indent.length - 2).map(
    (line, at) => `${indent}${at === 0 ? '' : '  '}${line}`,
  )
}

function groupLines(group: readonly Column[]): string[] {
  const heads = Math.max(...group.map(({ head }) => head.length))
  const rows = Math.max(...group.map(({ cells }) => cells.length))
  // The last line of every head stands right above its figures.
  const hasHead = group.some(({ head }) => head.some((line) => line !== ''))
  const top = group.map(({ head }) => [...Array<string>(heads - head.length).fill(''), ...head])
  const body = Array.from({ length: rows }, (_, at) => group.map(({ cells }) => cells[at] ?? ['']))
  return [...(hasHead ? [top] : []), ...body].flatMap((cells) => rowLines(group, cells))
}

/** @param cells the lines of one cell for each column. */
function rowLines(group: readonly Column[], cells: readonly (readonly string[])[]): string[] {
  const lines = Math.max(...cells.map(({ length }) => length))
  return Array.from({ length: lines }, (_, at) =>
    group
      .map((column, index) => aligned(cells[index]?.[at] ?? '', column))
      .join(GAP)
      .trimEnd(),
  )
}

function aligned(text: string, { width, isRight }: Column): string {
  const room = ' '.repeat(width - lengthOf(text))
  return isRight ? `${room}${text}` : `${text}${room}`
}

function lengthOf(text: string): number {
  return [...text].length
}
