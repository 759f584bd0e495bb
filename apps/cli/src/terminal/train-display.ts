import type { TrainProgress } from '@layerswarm/trainer'
import {
  PLOT_COLUMNS_MAX,
  PLOT_MARGIN_COLUMNS,
  PLOT_ROWS,
  REDRAW_INTERVAL_MS_MIN,
} from '../limits.ts'
import { drawTerminalPlot } from './terminal-plot.ts'

/** What a person sees of a running training. */
export interface TrainDisplay {
  show(progress: TrainProgress): void
}

/** One line per report: what a file or a program can keep. */
export function createLineDisplay(log: (line: string) => void): TrainDisplay {
  return { show: (progress) => log(progressLine(progress)) }
}

/** What is drawn on. */
export interface Terminal {
  /** Its width, cells. */
  readonly columns: number
  /** It shows colours, and the person who reads wants them. */
  readonly hasColours: boolean
}

/**
 * Plots of loss and accuracy that are drawn over each other, with the newest line below.
 */
export function createPlotDisplay(
  log: (text: string) => void,
  { columns, hasColours }: Terminal,
  nowMs: () => number = () => performance.now(),
): TrainDisplay {
  const losses: [number, number][] = []
  const sequential: [number, number][] = []
  const arbitrary: [number, number][] = []
  const width = Math.max(10, Math.min(PLOT_COLUMNS_MAX, columns - PLOT_MARGIN_COLUMNS))
  let drawn = 0
  let lastMs = Number.NEGATIVE_INFINITY

  function plots(): string[] {
    const size = { columns: width, rows: PLOT_ROWS, hasColours }
    const loss = drawTerminalPlot({
      ...size,
      title: 'training',
      lines: [{ name: 'loss', points: losses }],
      low: 0,
      format: (y) => y.toFixed(2),
    })
    if (sequential.length === 0) return loss
    const curves = [
      { name: 'in sequence', points: sequential },
      { name: 'in any order', points: arbitrary },
    ]
    // Without colours nobody could tell two curves of one plot apart.
    const together = hasColours ? [curves] : curves.map((one) => [one])
    const accuracy = together.flatMap((lines) =>
      drawTerminalPlot({ ...size, title: 'held out', lines, format: percent }),
    )
    return [...loss, ...accuracy]
  }

  return {
    show(progress) {
      const { step, steps, loss, evaluation } = progress
      losses.push([step, loss])
      if (evaluation !== undefined) {
        sequential.push([step, evaluation.sequential])
        arbitrary.push([step, evaluation.arbitrary])
      }
      const isDue =
        evaluation !== undefined || step === steps || nowMs() - lastMs > REDRAW_INTERVAL_MS_MIN
      if (!isDue) return
      lastMs = nowMs()
      const lines = [...plots(), progressLine(progress).slice(0, Math.max(20, columns - 1))]
      // Up over what was drawn before, and clear from there.
      log(`${drawn > 0 ? `\u001b[${drawn}A\u001b[J` : ''}${lines.join('\n')}`)
      drawn = lines.length
    },
  }
}

function progressLine({
  step,
  steps,
  loss,
  imagesPerSecond,
  etaSeconds,
  heldOutImages,
  evaluation,
}: TrainProgress): string {
  const none = heldOutImages === 0 ? ', nothing held out of so few images' : ''
  const accuracy =
    evaluation === undefined
      ? none
      : `, held out: ${percent(evaluation.sequential)} in sequence, ${percent(evaluation.arbitrary)} in any order`
  return `step ${step} of ${steps}, loss ${loss.toFixed(3)}, ${imagesPerSecond.toFixed(0)} images/s, ${duration(etaSeconds)} left${accuracy}`
}

/** A share, 0 … 1, as percent with one decimal. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

/** A duration for people: seconds up to 90 of them, minutes with one decimal beyond. */
export function duration(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`
}
