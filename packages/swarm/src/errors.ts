import { CodedError } from '@layerswarm/model'
import type { FailureFault } from './failure.ts'

/** What can go wrong in a swarm, as data. */
export type SwarmFault =
  | FailureFault
  | { code: 'bad-message'; reason: string }
  | { code: 'bad-request'; field: string }
  | { code: 'bad-policy' }
  | { code: 'bad-allow-list'; line: number }

/** The one error class of this package: `message` is a line for people, `fault` is for programs. */
export class SwarmError extends CodedError<SwarmFault> {
  override readonly name = 'SwarmError'
}
