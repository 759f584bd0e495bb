/** A line of a plot: points (x, y), in the order of x. */
export interface PlotLine {
  readonly name: string
  readonly points: readonly (readonly [number, number])[]
}

/** A plot in dots of braille, for a terminal. */
export interface TerminalPlot {
  readonly title: string
  readonly lines: readonly PlotLine[]
  /** Cells of the plot itself, without title and numbers. */
  readonly columns: number
  readonly rows: number
  /** A colour of its own for each line. */
  readonly hasColours: boolean
  /** Bottom and top of the y axis; those of the points unless given. */
  readonly low?: number
  readonly high?: number
  format(y: number): string
}

/** Dots of one braille cell, by row and column (Unicode U+2800). */
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const
/** ANSI colours: cyan, yellow. */
const COLOURS = [36, 33]

interface Cell {
  dots: number
  /** Index of the line that came last. */
  line: number
}

/**
 * Lines of text that show a plot in braille dots, four by two to a cell.
 * @returns the title, `rows` lines with the highest and the lowest value beside them.
 */
export function drawTerminalPlot(plot: TerminalPlot): string[] {
  const { title, lines, columns, rows, format } = plot
  const paint = plot.hasColours ? colour : (text: string) => text
  const points = lines.flatMap((line) => line.points)
  const ys = points.map(([, y]) => y)
  const low = plot.low ?? Math.min(...ys)
  const high = plot.high ?? Math.max(...ys)
  const end = Math.max(...points.map(([x]) => x))
  const start = Math.min(...points.map(([x]) => x))
  const cells = Array.from({ length: rows }, () =>
    Array.from({ length: columns }, (): Cell => ({ dots: 0, line: 0 })),
  )
  const column = (x: number): number => place(x, start, end, columns * 2)
  const row = (y: number): number => rows * 4 - 1 - place(y, low, high, rows * 4)
  lines.forEach((line, index) => {
    for (const [x, y] of joined(line.points, column, row)) {
      const cell = cells[Math.floor(y / 4)]?.[Math.floor(x / 2)]
      if (cell === undefined) continue
      cell.dots |= DOTS[y % 4]?.[x % 2] ?? 0
      cell.line = index
    }
  })
  const names = lines.map(({ name }, index) => paint(name, index)).join(', ')
  const labels = cells.map((_, at) =>
    at === 0 ? format(high) : at === rows - 1 ? format(low) : '',
  )
  const wide = Math.max(...labels.map(({ length }) => length))
  const drawn = points.length === 0 ? [] : cells
  return [
    `${title}: ${names}`,
    ...drawn.map(
      (one, at) =>
        `${(labels[at] ?? '').padStart(wide)} ${one.map((cell) => drawCell(cell, paint)).join('')}`,
    ),
  ]
}

function drawCell({ dots, line }: Cell, paint: typeof colour): string {
  return dots === 0 ? ' ' : paint(String.fromCharCode(0x2800 + dots), line)
}

function colour(text: string, index: number): string {
  return `\u001b[${COLOURS[index % COLOURS.length]}m${text}\u001b[0m`
}

/** Where a value lies among `count` places from low to high. */
function place(value: number, low: number, high: number, count: number): number {
  const share = high > low ? (value - low) / (high - low) : 0
  return Math.min(count - 1, Math.max(0, Math.round(share * (count - 1))))
}

/** Dots along straight lines from point to point. */
function joined(
  points: PlotLine['points'],
  column: (x: number) => number,
  row: (y: number) => number,
): [number, number][] {
  const dots: [number, number][] = []
  points.forEach(([x, y], at) => {
    const [fromX, fromY] = points[Math.max(0, at - 1)] ?? [x, y]
    const [x0, y0, x1, y1] = [column(fromX), row(fromY), column(x), row(y)]
    const steps = Math.max(1, Math.abs(x1 - x0), Math.abs(y1 - y0))
    for (let i = 0; i <= steps; i++) {
      dots.push([
        Math.round(x0 + ((x1 - x0) * i) / steps),
        Math.round(y0 + ((y1 - y0) * i) / steps),
      ])
    }
  })
  return dots
}
