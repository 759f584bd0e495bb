import { TABLE_FIRST_SHARE_MAX } from '../limits.ts'
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
 * Aligned lines of a table. Where it has no room its heads take several lines, then its first column, and then it goes
 * on below, behind that column again.
 * @param columns cells that a line may take; undefined for as many as it needs.
 */
export function tableLines(
  { head, rows, indent = '' }: Table,
  columns = Number.POSITIVE_INFINITY,
): string[] {
  const room = columns - indent.length
  const read = (isNarrow: boolean, firstMax: number): Column[] =>
    head.map((text, at) =>
      columnOf(
        text,
        rows.map((row) => row[at] ?? ''),
        { isNarrow, cellMax: at === 0 ? firstMax : room },
      ),
    )
  const whole = [read(false, room), read(true, room)].find((one) => widthOfAll(one) <= room)
  const groups =
    whole === undefined
      ? broken(read(true, Math.floor(room * TABLE_FIRST_SHARE_MAX)), room)
      : [whole]
  return groups.flatMap((group, at) => [
    ...(at === 0 ? [] : ['']),
    ...groupLines(group).map((line) => `${indent}${line}`),
  ])
}

function widthOfAll(group: readonly Column[]): number {
  return group.reduce((sum, { width }) => sum + width, (group.length - 1) * GAP.length)
}

/** As many columns beside the first as there is room for, and the others below. */
function broken([first, ...others]: readonly Column[], room: number): Column[][] {
  if (first === undefined) return []
  const groups: Column[][] = [[first]]
  for (const column of others) {
    const last = groups.at(-1) ?? []
    if (last.length > 1 && widthOfAll([...last, column]) > room) groups.push([first, column])
    else last.push(column)
  }
  return groups
}

/** As narrow as its cells, if it is to be; a cell that is wider than it may be takes several lines. */
function columnOf(
  text: string,
  texts: readonly string[],
  { isNarrow, cellMax }: { isNarrow: boolean; cellMax: number },
): Column {
  const cells = texts.map((cell) => (lengthOf(cell) <= cellMax ? [cell] : wrapCell(cell, cellMax)))
  const widest = Math.max(0, ...cells.flat().map(lengthOf))
  const head = isNarrow ? wrapHead(text, widest) : [text]
  const width = Math.max(widest, ...head.map(lengthOf))
  return { head, cells, width, isRight: texts.every((cell) => FIGURE.test(cell)) }
}

/** A head may break behind a slash, too. */
function wrapHead(text: string, widest: number): string[] {
  const words = text.replaceAll('/', '/ ').split(' ')
  const width = Math.max(widest, ...words.map(lengthOf))
  return wrap(words.join(' '), width).map((line) => line.replaceAll('/ ', '/'))
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
