import type { EngineName } from '@layerswarm/model'
import type { RoundArithmetic } from '../audits/round-arithmetic.ts'
import type { Plausibility } from '../audits/step-size.ts'
import type { Uplink } from '../fetch/uplink.ts'
import type { JobId } from '../jobs.ts'
import type { Mixing } from '../lanes/mixing.ts'
import type { InRounds } from '../requester/in-rounds.ts'
import type { PeerId } from '../wire/messages.ts'
import type { Executor } from './executor.ts'
import type { Sight } from './sight.ts'

/** Whom a hub works with. */
export interface HubNeeds {
  readonly self: PeerId
  readonly sight: Pick<Sight, 'look' | 'transferMs'>
  readonly own: Pick<Executor, 'runOwn'>
  /** What this member's access still sends. */
  readonly uplink: Uplink
  readonly arithmetic: RoundArithmetic
  readonly isPlausible: Plausibility
  /** What its requests share with those that go by tours. */
  readonly shared: Pick<
    InRounds,
    'begin' | 'summed' | 'recounted' | 'barred' | 'holds' | 'answered' | 'ended' | 'left'
  >
  readonly nextJob: () => JobId
  /** Whose layers are of which release. */
  readonly mixing: Pick<Mixing, 'ownWeights' | 'weightsOf'>
  /** What this member runs layers on now. */
  readonly backend: () => EngineName
  /** Somebody has run what it was asked for, or was silent, or sent what cannot be. */
  readonly judged: (peer: PeerId, hasDelivered: boolean, nowMs: number) => void
}
