import { decodeActivation, type EncodedActivation } from '@layerswarm/model'
import { FILE_DISTANCE_FACTOR, TOLERANCE } from './limits.ts'

/**
 * Whether two results of the same layers on the same tensor are as near to one another as engines are.
 * @param tolerance for ‖a − b‖ / ‖a‖.
 */
export type Agreement = (a: EncodedActivation, b: EncodedActivation, tolerance: number) => boolean

/**
 * How far honest results of so many layers may be apart: by their engines, and where a release has several files for a
 * layer, by those too. What int4 rounds is other in every layer, so n of them are √n times as far apart as one.
 * @param fileDistance ‖a − b‖ / ‖b‖ of one layer by the files that the release allows, 0 where it has one for each.
 */
export function toleranceOf(layers: number, fileDistance: number): number {
  return Math.max(TOLERANCE, FILE_DISTANCE_FACTOR * fileDistance * Math.sqrt(layers))
}

/** The same within the tolerance, and finite. */
export const withinTolerance: Agreement = (a, b, tolerance) => {
  const x = decodeActivation(a).data
  const y = decodeActivation(b).data
  if (x.length !== y.length) return false
  let apart = 0
  let size = 0
  for (let i = 0; i < x.length; i++) {
    const [one, other] = [x[i] as number, y[i] as number]
    apart += (one - other) ** 2
    size += one ** 2
  }
  return apart <= tolerance ** 2 * size
}
