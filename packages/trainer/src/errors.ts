import { CodedError } from '@layerswarm/model'

/** What can go wrong while training or evaluating. */
export type TrainerFault =
  | { code: 'bad-recipe'; field: string }
  | { code: 'missing-data'; file: string }
  | { code: 'bad-data'; file: string }
  | { code: 'bad-sources'; file: string }
  | { code: 'bad-download'; url: string }
  | { code: 'missing-checkpoint'; file: string }
  | { code: 'bad-checkpoint'; file: string }
  | { code: 'cannot-write'; file: string }
  | { code: 'no-engine'; engine: string }
  | { code: 'not-finite'; step: number }
  | { code: 'stopped'; step: number }
  | { code: 'torch-failed' }

/** The one error class of this package: `message` is a line for people, `fault` is for programs. */
export class TrainerError extends CodedError<TrainerFault> {
  override readonly name = 'TrainerError'
}
