import { CodedError } from '@layerswarm/model'

/** What can go wrong in a swarm, as data. */
export type SwarmFault =
  | { code: 'bad-message'; reason: string }
  | { code: 'no-providers' }
  | { code: 'deadline-passed'; hops: number }
  | { code: 'too-few-layers'; applied: number; wanted: number }
  | { code: 'cancelled' }
  | { code: 'head-failed' }
  | { code: 'bad-request'; field: string }
  | { code: 'bad-policy' }

/** The one error class of this package: `message` is a line for people, `fault` is for programs. */
export class SwarmError extends CodedError<SwarmFault> {
  override readonly name = 'SwarmError'
}
