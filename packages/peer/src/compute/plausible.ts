import {
  decodeActivation,
  type EncodedActivation,
  type Part,
  partName,
  type Tensor,
} from '@layerswarm/model'

/**
 * Root mean square of an activation. Layer outputs of trained vision transformers lie between 0.1
 * and 100; a thousand times that is the work of a liar or of a broken engine.
 */
const ACTIVATION_RMS_MAX = 1e5

/** A refusal of what came in, as opposed to a failure of the engine. */
export class Refusal extends Error {}

/** @throws Refusal for an activation of implausible size, ModelError for a malformed one. */
export function decodeInput(encoded: EncodedActivation): Tensor {
  const input = decodeActivation(encoded)
  const rms = rootMeanSquare(input)
  if (rms > ACTIVATION_RMS_MAX) throw new Refusal(`an activation of size ${rms} is not plausible`)
  return input
}

/** @throws Refusal for values that are not finite or implausibly large. */
export function checkOutput(output: Tensor, part: Part): void {
  const rms = rootMeanSquare(output)
  // Written so that a NaN fails too.
  if (!(rms <= ACTIVATION_RMS_MAX)) {
    throw new Refusal(`the output of ${partName(part)} is not plausible: its size is ${rms}`)
  }
}

function rootMeanSquare({ data }: Tensor): number {
  let sum = 0
  for (const value of data) sum += value * value
  return Math.sqrt(sum / data.length)
}
