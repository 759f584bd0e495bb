/** One measurement beside its reference, both taken in the same run. */
export interface BenchRow {
  readonly case: string
  /** In `unit`, as the reference is. */
  readonly ours: number
  readonly reference: number
  /** ours / reference */
  readonly ratio: number
  readonly unit: string
  /** What ours is made of, in `unit`, where that was measured; together they are ours. */
  readonly parts?: readonly BenchPart[]
}

/** A part of a measurement. */
export interface BenchPart {
  readonly part: string
  /** In the unit of its row; what is left may be below zero where parts overlap. */
  readonly ours: number
}

/** How much a benchmark measures. */
export interface BenchOptions {
  /** Measurements per case. */
  readonly rounds: number
  readonly signal: AbortSignal
  log(line: string): void
}

/** A measurement by name, for `layerswarm bench NAME`. */
export interface Bench {
  readonly name: string
  /** What ours and reference are. */
  readonly compares: string
  /** Measurements per case unless told otherwise. */
  readonly rounds: number
  run(options: BenchOptions): Promise<BenchRow[]>
}

/** A row of two numbers in the same unit. */
export function row(name: string, ours: number, reference: number, unit: string): BenchRow {
  return { case: name, ours, reference, ratio: ours / reference, unit }
}

/** A row from many measurements of both sides, by their medians. */
export function medianRow(
  name: string,
  ours: readonly number[],
  reference: readonly number[],
  unit: string,
): BenchRow {
  return row(name, median(ours), median(reference), unit)
}

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN
  const high = sorted[Math.floor(middle)] ?? Number.NaN
  return (low + high) / 2
}
