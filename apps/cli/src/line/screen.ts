import {
  PLOT_COLUMNS_MAX,
  PLOT_MARGIN_COLUMNS,
  PLOT_ROWS,
  PROGRESS_LINE_INTERVAL_MS,
  REDRAW_INTERVAL_MS_MIN,
} from '../limits.ts'
import { drawTerminalPlot, type PlotLine } from '../terminal/terminal-plot.ts'
import { cut, fit } from './fit.ts'
import { layOut } from './markdown.ts'
import { type Table, tableLines } from './table.ts'

/** Where a command reads out what it has to say. */
export type StreamName = 'stdout' | 'stderr'

/** What a screen writes to. */
export interface ScreenHost {
  stdout(text: string): void
  stderr(text: string): void
  /** Cells of the terminal that it goes to, now; undefined for a file or a program. */
  columns(stream: StreamName): number | undefined
}

/** What a plot shows. */
export interface Curve extends PlotLine {
  /** Of what and over what it is. */
  readonly about: string
  readonly low: number
  readonly high: number
  format(y: number): string
}

/** To the first cell, and clear from there (ECMA-48, "erase in line"). */
export const ERASE_LINE = '\r\u001b[K'

/**
 * All that a command shows.
 *
 * 1. On a terminal no line is wider than it, but for words that cannot be broken.
 * 2. On a terminal one line of progress stands below everything else, on stderr, from the first moment on and with
 *    the seconds that have passed. It is gone before anything else is written, and at the end.
 * 3. Elsewhere a line that was written stays one line, and progress is told in lines of its own.
 */
export class Screen {
  private readonly host: ScreenHost
  private readonly startMs = performance.now()
  private readonly ticking: NodeJS.Timeout | undefined
  private doingText = ''
  private progressText = ''
  private drawn = ''
  private drawnMs = Number.NEGATIVE_INFINITY
  /** When a line of progress was last written where there is no terminal. */
  private toldMs = this.startMs
  private readonly isForProgram: () => boolean

  /** @param isForProgram whether a program reads the result, as far as that is known by now. */
  constructor(host: ScreenHost, isForProgram: () => boolean) {
    this.host = host
    this.isForProgram = isForProgram
    // What blocks this thread meanwhile keeps the line as it is.
    if (this.terminal !== undefined)
      this.ticking = setInterval(() => this.draw(), REDRAW_INTERVAL_MS_MIN).unref()
  }

  /** Lines of the result. */
  print(text: string): void {
    this.write('stdout', fitted(text, this.host.columns('stdout')))
  }

  /** Lines about how it goes, which stay. */
  log(text: string): void {
    this.write('stderr', fitted(text, this.host.columns('stderr')))
  }

  table(table: Table): void {
    this.write('stdout', tableLines(table, this.host.columns('stdout')))
  }

  /** A report; elsewhere than on a terminal as it would stand in a file. */
  markdown(text: string): void {
    const columns = this.host.columns('stdout')
    if (columns === undefined) this.write('stdout', [text.trimEnd()])
    else this.write('stdout', layOut(text, columns))
  }

  /** A curve between `low` and `high`; nothing elsewhere than on a terminal. */
  plot({ low, high, format, ...line }: Curve): void {
    const columns = this.host.columns('stdout')
    if (columns === undefined || line.points.length < 2) return
    const width = Math.max(10, Math.min(PLOT_COLUMNS_MAX, columns - PLOT_MARGIN_COLUMNS))
    const size = { columns: width, rows: PLOT_ROWS, hasColours: false }
    this.write('stdout', [
      '',
      ...drawTerminalPlot({ ...size, title: line.about, lines: [line], low, high, format }),
    ])
  }

  /** What a program reads, as it is, also on a terminal. */
  verbatim(text: string): void {
    this.write('stdout', [text])
  }

  /** What goes on from now on; an empty text for nothing that anybody waits for. */
  doing(text: string): void {
    if (text === this.doingText) return
    this.doingText = text
    this.progressText = ''
    if (this.terminal !== undefined) this.draw(true)
    // A program that was promised one line for every error gets no others for what fails at once.
    else if (text !== '' && !this.isForProgram()) this.tell(text)
  }

  /** How far it is. */
  progress(text: string): void {
    this.progressText = text
    if (this.terminal !== undefined) this.draw()
    else if (performance.now() - this.toldMs >= PROGRESS_LINE_INTERVAL_MS) this.tell(this.line())
  }

  /** What is said before a command has said anything; for people at a terminal. */
  begin(text: string): void {
    if (this.terminal !== undefined) this.doing(text)
  }

  /** Nothing of the progress is left behind. */
  close(): void {
    clearInterval(this.ticking)
    this.doingText = ''
    this.erase()
  }

  private get terminal(): number | undefined {
    return this.host.columns('stderr')
  }

  private tell(text: string): void {
    this.toldMs = performance.now()
    this.host.stderr(`${text}\n`)
  }

  private write(stream: StreamName, lines: readonly string[]): void {
    this.erase()
    // The line of progress comes back with the next tick: much is written at once, and often it is the last.
    this.host[stream](`${lines.join('\n')}\n`)
  }

  private line(): string {
    return [this.doingText, this.progressText].filter((text) => text !== '').join(': ')
  }

  private draw(isDue = false): void {
    const columns = this.terminal
    if (columns === undefined) return
    if (this.doingText === '') return this.erase()
    if (!isDue && performance.now() - this.drawnMs < REDRAW_INTERVAL_MS_MIN / 2) return
    const seconds = Math.floor((performance.now() - this.startMs) / 1000)
    const tail = seconds === 0 ? '' : `, ${seconds} s`
    // In the last cell some terminals would begin a new line.
    const text = `${cut(this.line(), columns - 1 - tail.length)}${tail}`
    if (text === this.drawn) return
    this.drawnMs = performance.now()
    this.host.stderr(`${ERASE_LINE}${text}`)
    this.drawn = text
  }

  private erase(): void {
    if (this.drawn === '') return
    this.host.stderr(ERASE_LINE)
    this.drawn = ''
  }
}

function fitted(text: string, columns: number | undefined): string[] {
  const lines = text.split('\n')
  return columns === undefined ? lines : lines.flatMap((line) => fit(line, columns))
}
