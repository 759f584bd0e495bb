import { linePlot, type Series } from '@layerswarm/figures'
import { AXIS_STEPS_PER_UNIT } from '../limits.ts'
import { isShuffled } from './average-trainings.ts'
import type { ModelEvaluation } from './evaluate-models.ts'
import { labelsOf } from './report-tables.ts'

/** The plots that show models side by side, as SVG; empty where there is nothing to show. */
export interface EvaluationPlots {
  readonly prunedInAnyOrder: string
  readonly prunedInSequence: string
  readonly ensembles: string
  readonly calibration: string
}

/** The shuffled ones come first, so that they have the same colours in plots without the others. */
export function evaluationPlots(all: readonly ModelEvaluation[]): EvaluationPlots {
  const models = [
    ...all.filter(({ variant }) => isShuffled(variant)),
    ...all.filter(({ variant }) => !isShuffled(variant)),
  ]
  const labels = labelsOf(models)
  const series = (points: (model: ModelEvaluation) => Series['points']): Series[] =>
    models.map((model, index) => ({ name: labels[index] ?? model.name, points: points(model) }))
  const accuracy = { y: 'accuracy', yMax: 1, percent: true }
  const ensembles = series((model) => model.ensembles.map((one) => [one.orders, one.accuracy]))
  return {
    prunedInAnyOrder: linePlot({
      ...accuracy,
      title: 'Layers left, arbitrary order',
      x: 'layers',
      series: series((model) => prunedPoints(model, 'arbitrary')),
    }),
    prunedInSequence: linePlot({
      ...accuracy,
      title: 'Layers left, in sequence',
      x: 'layers',
      series: series((model) => prunedPoints(model, 'sequential')),
    }),
    ensembles: linePlot({
      ...accuracy,
      ...zoomed(ensembles),
      title: 'Answers averaged over K orders',
      x: 'orders',
      series: ensembles,
    }),
    calibration: linePlot({
      title: 'Calibration error of answers averaged over K orders',
      x: 'orders',
      y: 'expected calibration error',
      percent: true,
      series: series(({ ensembles: all }) => all.map((one) => [one.orders, one.calibrationError])),
    }),
  }
}

/** Where all accuracies are high, their differences show on a shorter axis only. */
function zoomed(series: readonly Series[]): { yMin?: number; yMax?: number } {
  const values = series.flatMap(({ points }) => points.map(([, y]) => y))
  const low = Math.min(...values)
  if (!(low > 0.5)) return {}
  const high = Math.max(...values)
  return {
    yMin: Math.floor((low - 0.01) * AXIS_STEPS_PER_UNIT) / AXIS_STEPS_PER_UNIT,
    yMax: Math.min(1, Math.ceil((high + 0.01) * AXIS_STEPS_PER_UNIT) / AXIS_STEPS_PER_UNIT),
  }
}

function prunedPoints(
  { layers, pruned, arbitrary, sequential }: ModelEvaluation,
  order: 'arbitrary' | 'sequential',
): (readonly [number, number])[] {
  const points = Object.entries(pruned).map(([left, one]) => [Number(left), one[order]] as const)
  return [...points, [layers, order === 'arbitrary' ? arbitrary.mean : sequential]]
}
