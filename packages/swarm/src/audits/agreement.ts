import { decodeActivation, type EncodedActivation } from '@layerswarm/model'
import { TOLERANCE } from './limits.ts'

/** Whether two results of the same layers on the same tensor are as near to one another as engines are. */
export type Agreement = (a: EncodedActivation, b: EncodedActivation) => boolean

/** The same within TOLERANCE, and finite. */
export const withinTolerance: Agreement = (a, b) => {
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
  return apart <= TOLERANCE ** 2 * size
}
