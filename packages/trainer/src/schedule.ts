import { FINAL_RATE_SHARE } from './limits.ts'

/** How the learning rate goes over a training, counted in steps. */
export interface Schedule {
  /** Peak learning rate. */
  readonly learningRate: number
  /** Steps in which the rate rises evenly from nothing to its peak. */
  readonly warmupSteps: number
  /** Steps of the whole training. */
  readonly steps: number
}

/** Learning rate of a step, counted from 1: linear warm-up to the peak, then half a cosine down. */
export function learningRateAt(
  step: number,
  { learningRate, warmupSteps, steps }: Schedule,
): number {
  if (step <= warmupSteps) return (learningRate * step) / warmupSteps
  const progress = (step - warmupSteps) / Math.max(1, steps - warmupSteps)
  const cosine = (1 + Math.cos(Math.PI * Math.min(1, progress))) / 2
  return learningRate * (FINAL_RATE_SHARE + (1 - FINAL_RATE_SHARE) * cosine)
}
