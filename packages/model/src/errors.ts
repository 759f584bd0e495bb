import { CodedError } from './coded-error.ts'

/** What can be wrong with a model, a file of it, or a use of it. */
export type ModelFault =
  | { code: 'bad-spec'; field: string }
  | { code: 'bad-shape'; what: string }
  | { code: 'bad-order'; order: readonly number[] }
  | { code: 'bad-safetensors' }
  | { code: 'missing-tensor'; tensor: string }
  | { code: 'extra-tensor'; tensor: string }
  | { code: 'bad-manifest'; field: string }
  | { code: 'bad-grouping' }
  | { code: 'bad-signature' }
  | { code: 'wrong-hash'; expected: string; actual: string }
  | { code: 'bad-activation' }
  | { code: 'bad-idx' }
  | { code: 'bad-picture' }
  | { code: 'bad-hash' }
  | { code: 'bad-receipt'; field: string }
  | { code: 'not-loaded'; part: string }

/** The one error class of this package: `message` is a line for people, `fault` is for programs. */
export class ModelError extends CodedError<ModelFault> {
  override readonly name = 'ModelError'
}
