import type { EncodedActivation } from '@layerswarm/model'
import { type Agreement, toleranceOf } from './agreement.ts'
import type { RoundArithmetic } from './round-arithmetic.ts'
import type { Plausibility } from './step-size.ts'
import type { Stretch } from './stretch.ts'

/** How the results of one stretch are compared. */
export interface Judging {
  agree(a: EncodedActivation, b: EncodedActivation): boolean
  readonly isPlausible: Plausibility
  /** Each layer has one file: whoever computes with the same engine computes with the same weights. */
  readonly hasOneFile: boolean
}

/** How those of all stretches are. */
export interface JudgingOptions {
  readonly agree: Agreement
  readonly isPlausible: Plausibility
  readonly arithmetic: RoundArithmetic
  /** How far outputs of one layer may be apart by the file of it that was loaded, ‖a − b‖ / ‖b‖; 0 where it has one. */
  readonly fileDistance: number
}

/** How the results of a stretch are compared: within what its layers allow. */
export function judgingOf(
  { layers, atOnce }: Pick<Stretch, 'layers' | 'atOnce'>,
  { agree, isPlausible, arithmetic, fileDistance }: JudgingOptions,
): Judging {
  const compare = atOnce ? arithmetic.agree : agree
  const tolerance = toleranceOf(layers.length, fileDistance)
  return {
    agree: (a, b) => compare(a, b, tolerance),
    isPlausible,
    hasOneFile: fileDistance === 0,
  }
}
