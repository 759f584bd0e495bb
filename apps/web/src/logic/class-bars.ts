import { FIXED_ROWS_MAX, TOP_ROWS } from '../limits.ts'

/** One bar of the probability chart. */
export interface ClassBar {
  readonly index: number
  readonly label: string
  /** 0 to 1 */
  readonly share: number
  readonly best: boolean
}

/**
 * Rows for class probabilities: all classes in the model's order when they are few, otherwise the
 * likeliest first. Ties go to the lower class index. A class without a name is called "class N".
 */
export function classBars(probabilities: readonly number[], labels: readonly string[]): ClassBar[] {
  const best = bestClass(probabilities)
  const bars = probabilities.map((share, index) => ({
    index,
    label: labels[index] ?? `class ${index}`,
    share: Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : 0,
    best: index === best,
  }))
  if (bars.length <= FIXED_ROWS_MAX) return bars
  return bars.sort((a, b) => b.share - a.share || a.index - b.index).slice(0, TOP_ROWS)
}

/** The index of the likeliest class, the lowest one of equals; −1 for an empty list. */
export function bestClass(probabilities: readonly number[]): number {
  let best = -1
  for (const [index, share] of probabilities.entries()) {
    if (best < 0 || share > (probabilities[best] ?? 0)) best = index
  }
  return best
}
