import type { Answer } from '@layerswarm/swarm'
import { bestClass } from './class-bars.ts'

/** Several orders of one image, taken together: independent orders err differently. */
export interface Ensemble {
  readonly answers: readonly Answer[]
  /** Mean probability per class. */
  readonly mean: readonly number[]
  /** Standard deviation of the probability per class over the orders: how much the order matters. */
  readonly spread: readonly number[]
  /** Orders whose best class is that of the mean. */
  readonly agreeing: number
  /** Layers that some order had to do without. */
  readonly missingLayers: readonly number[]
}

/** Combines the answers to one image; there is at least one. */
export function combine(answers: readonly Answer[]): Ensemble {
  const rows = answers.map(({ probabilities: [row = []] }) => row)
  const mean = (rows[0] ?? []).map((_, index) => average(rows.map((row) => row[index] ?? 0)))
  const spread = mean.map((centre, index) =>
    Math.sqrt(average(rows.map((row) => ((row[index] ?? 0) - centre) ** 2))),
  )
  const best = bestClass(mean)
  const missing = new Set(answers.flatMap(({ missingLayers }) => missingLayers))
  return {
    answers,
    mean,
    spread,
    agreeing: rows.filter((row) => bestClass(row) === best).length,
    missingLayers: [...missing].sort((a, b) => a - b),
  }
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}
