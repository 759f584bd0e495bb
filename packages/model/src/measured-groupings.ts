import { type Grouping, groupingText, parseGrouping, singleRounds } from './grouping.ts'
import type { Manifest } from './manifest.ts'

/** A grouping that a release was measured in. */
export interface MeasuredGrouping {
  readonly groups: Grouping
  /** What it costs against one layer after the other, points of top-1; below 0 where it was better. */
  readonly lossPoints: number
}

/**
 * The groupings of several layers at once that the publisher of a release has measured, the cheapest first. None
 * where nothing was measured, or not one layer after the other beside it, which says what the others cost.
 */
export function measuredGroupings({
  rounds = {},
  spec,
}: Pick<Manifest, 'rounds' | 'spec'>): readonly MeasuredGrouping[] {
  const single = groupingText(singleRounds(spec.layers))
  const usual = rounds[single]
  if (usual === undefined) return []
  return Object.entries(rounds)
    .filter(([text]) => text !== single)
    .map(([text, accuracy]) => ({
      groups: parseGrouping(text, spec.layers),
      // Rounded: 0.92 − 0.915 is half a point and not a trace more.
      lossPoints: Math.round((usual - accuracy) * 1e8) / 1e6,
    }))
    .toSorted((a, b) => a.lossPoints - b.lossPoints)
}
