import { decodeActivation, type EncodedActivation } from '@layerswarm/model'
import { STEP_SIZE_MAX, STEP_SIZE_MIN } from './limits.ts'

/** Whether so many layers can have made this output of that input. */
export type Plausibility = (
  input: EncodedActivation,
  output: EncodedActivation,
  layers: number,
) => boolean

/**
 * By the size of the step, ‖output − input‖ / ‖input‖, from STEP_SIZE_MIN to STEP_SIZE_MAX a layer. It costs nothing
 * and misses what is as large as a layer's step, such as another layer's: no verdict follows from it.
 */
export const isStepOfLayers: Plausibility = (input, output, layers) => {
  const x = decodeActivation(input).data
  const y = decodeActivation(output).data
  let step = 0
  let size = 0
  for (let i = 0; i < x.length; i++) {
    const before = x[i] as number
    step += ((y[i] as number) - before) ** 2
    size += before ** 2
  }
  return step >= STEP_SIZE_MIN ** 2 * size && step <= (STEP_SIZE_MAX * layers) ** 2 * size
}
