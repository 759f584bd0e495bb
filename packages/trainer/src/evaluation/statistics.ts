/** Mean of at least one value. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Standard deviation of a sample (n − 1); 0 for one value. */
export function deviation(values: readonly number[]): number {
  const centre = mean(values)
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0)
  return Math.sqrt(squares / Math.max(1, values.length - 1))
}

/**
 * Area under the ROC curve: how often a score of the second kind is above one of the first, a tie
 * counting half (Mann and Whitney's U, divided by the number of pairs). Both have one score at least.
 */
export function areaUnderCurve(first: readonly number[], second: readonly number[]): number {
  const all = [
    ...first.map((score) => ({ score, of: 0 })),
    ...second.map((score) => ({ score, of: 1 })),
  ]
  all.sort((a, b) => a.score - b.score)
  let ranks = 0
  for (let start = 0; start < all.length; ) {
    let end = start + 1
    while (end < all.length && all[end]?.score === all[start]?.score) end++
    const ofSecond = all.slice(start, end).reduce((sum, { of }) => sum + of, 0)
    // Ranks from 1; those of a tie share their mean.
    ranks += (ofSecond * (start + 1 + end)) / 2
    start = end
  }
  const pairs = first.length * second.length
  return (ranks - (second.length * (second.length + 1)) / 2) / pairs
}
