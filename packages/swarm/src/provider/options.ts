import type { EngineName } from '@layerswarm/model'
import type { ClaimPolicy } from '../claims/policy.ts'
import type { OwnWeights } from '../mixed-release.ts'
import type { AccessSpeed } from '../ports.ts'
import type { ModelShape } from '../step.ts'
import type { PeerId } from '../wire/messages.ts'

/** What a provider is made from. */
export interface ProviderOptions {
  readonly self: PeerId
  readonly shape: ModelShape
  /** The release of its layers, where that is another than the lane's. */
  readonly weights?: OwnWeights | undefined
  readonly backend: EngineName
  readonly policy: ClaimPolicy
  /** Layer runs accepted at once. */
  readonly slots: number
  /** Share of the time that layer runs may take, above 0 and at most 1. */
  readonly timeShare: number
  /** Least time between the claims of two neighbours in rank, milliseconds. */
  readonly staggerMs: number
  readonly accessSpeed: () => AccessSpeed
}
