import type { EngineName } from '@layerswarm/model'
import { type Agreement, withinTolerance } from './audits/agreement.ts'
import { type RoundArithmetic, roundArithmetic } from './audits/round-arithmetic.ts'
import { isStepOfLayers, type Plausibility } from './audits/step-size.ts'
import { directHandOver } from './claims/direct.ts'
import type { ClaimPolicy } from './claims/policy.ts'
import { AUDITS_BY_DEFAULT, CLAIM_STAGGER_MS, LANE_PROVIDERS, SLOTS_DEFAULT } from './limits.ts'
import type { OwnWeights } from './mixed-release.ts'
import type { AccessSpeed } from './ports.ts'
import type { ModelShape } from './step.ts'
import type { PeerId } from './wire/messages.ts'

/** What a member is made from. */
export interface CoreOptions {
  /** Hash of the manifest of the release whose lanes it is in, hex. */
  readonly release: string
  readonly shape: ModelShape
  /** The release of this member's own layers, where that is another than the lane's; undefined for that. */
  readonly weights: OwnWeights | undefined
  readonly self: PeerId
  readonly backend: EngineName
  /** Who goes on with a step, and when; the same in every provider of a lane. */
  readonly policy: ClaimPolicy
  /** Fixed layers, or `auto` to take the rarest. */
  readonly serve: 'auto' | readonly number[]
  /** Layers to host in `auto`; 0 asks only. */
  readonly capacity: number
  /** Layer runs accepted at once. */
  readonly slots: number
  /** Share of the time that layer runs may take, above 0 and at most 1. */
  readonly timeShare: number
  /** Least time between the claims of two neighbours in rank, milliseconds. */
  readonly staggerMs: number
  /** The lane of the release in which it begins. */
  readonly lane: number
  /** Providers of a lane before the next is opened; 0: the release has one lane of any size. */
  readonly laneProviders: number
  /** Whether there is a direct connection to a peer, and how far it is, milliseconds, if that was measured. */
  readonly reaches: (peer: PeerId) => boolean
  readonly rttMs: (peer: PeerId) => number | undefined
  /** Everybody to whom there is a direct connection. */
  readonly neighbours: () => readonly PeerId[]
  readonly accessSpeed: () => AccessSpeed
  /** Whether what others compute for its requests is computed again now and then, to find out who lies. */
  readonly audits: boolean
  /** Whether two results of the same layers are as near to one another as engines are. */
  readonly agree: Agreement
  /** Whether so many layers can have made an output of an input. */
  readonly isPlausible: Plausibility
  /** How updates of a round are added up. */
  readonly arithmetic: RoundArithmetic
  /** Where others can dial this member, as multiaddrs. */
  readonly addresses: () => readonly string[]
  /** How many members of the lane hear this one directly. */
  readonly links: () => number
}

/** Who goes on with a step, and when, unless a member is told otherwise. */
export const POLICY_DEFAULT: ClaimPolicy = directHandOver('few')

/** What a member does when nothing else is said. */
export const CORE_OPTIONS_DEFAULT = Object.freeze({
  policy: POLICY_DEFAULT,
  serve: 'auto' as const,
  capacity: 0,
  slots: SLOTS_DEFAULT,
  timeShare: 1,
  staggerMs: CLAIM_STAGGER_MS,
  lane: 0,
  weights: undefined,
  laneProviders: LANE_PROVIDERS,
  audits: AUDITS_BY_DEFAULT,
  agree: withinTolerance,
  isPlausible: isStepOfLayers,
  arithmetic: roundArithmetic,
  reaches: () => true,
  rttMs: () => undefined,
  neighbours: () => [],
  accessSpeed: () => ({ upload: undefined, download: undefined }),
  addresses: () => [],
  links: () => 0,
})
