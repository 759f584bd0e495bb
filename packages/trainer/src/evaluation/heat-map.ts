/** Accuracy by layer (row) and the position at which it ran (column); null where that never happened. */
export type HeatMap = readonly (readonly (number | null)[])[]

interface HeatMapTally {
  /** What several orders made of the same images. */
  add(outcomes: readonly { order: ArrayLike<number>; accuracy: number }[], images: number): void
  result(): HeatMap
}

/**
 * Collects what a layer at a position does to the accuracy. Some batches are harder than others,
 * which would be most of the noise: so an order counts by how far it is from the mean of the
 * other orders on the same images.
 */
export function createHeatMap(layers: number): HeatMapTally {
  const cells = Array.from({ length: layers }, () =>
    Array.from({ length: layers }, () => ({ difference: 0, images: 0 })),
  )
  let correct = 0
  let answers = 0
  return {
    add(outcomes, images) {
      const sum = outcomes.reduce((total, { accuracy }) => total + accuracy, 0)
      correct += sum * images
      answers += outcomes.length * images
      if (outcomes.length < 2) return
      for (const { order, accuracy } of outcomes) {
        const others = (sum - accuracy) / (outcomes.length - 1)
        for (let position = 0; position < order.length; position++) {
          const cell = cells[order[position] as number]?.[position]
          if (cell === undefined) continue
          cell.difference += (accuracy - others) * images
          cell.images += images
        }
      }
    },
    result() {
      const overall = correct / Math.max(1, answers)
      return cells.map((row) =>
        row.map(({ difference, images }) =>
          images === 0 ? null : Math.min(1, Math.max(0, overall + difference / images)),
        ),
      )
    },
  }
}
