import type { EncodedActivation } from '@layerswarm/model'
import type { ClassifyPolicy } from './request.ts'
import type { Activation, Hop, PeerId, RequestId } from './wire/messages.ts'

/** A request whose first tensor is not here yet. */
export interface Opening {
  readonly policy: ClassifyPolicy
  /** When it was asked, milliseconds. */
  readonly startedMs: number
  /** What is audited of it is drawn from this; undefined where nothing is. */
  readonly seed?: string | undefined
}

/** A request of which some layers have run in rounds, and others are left. */
export interface Halfway {
  readonly request: RequestId
  readonly opening: Opening
  /** The layers that have run. */
  readonly route: readonly Hop[]
  /** How many of them in each round. */
  readonly rounds: readonly number[]
  /** What they have made, and what the stem had, as others have them from here. */
  readonly activation: Activation
  readonly origin: Activation
  /** Who was asked for something. */
  readonly told: readonly PeerId[]
}

/** A sum that is to be made again, by others: what was run, and on what. */
export interface Recount {
  readonly request: RequestId
  readonly layers: readonly number[]
  readonly input: EncodedActivation
  /** The input as others have it from here. */
  readonly activation: Activation
  /** Somebody may be lying: it does not wait until there is less to do. */
  readonly isUrgent: boolean
}
