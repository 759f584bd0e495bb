import type { ClaimPolicy, PeerId } from '@layerswarm/swarm'
import { directHandOver, gossip, SwarmError } from '@layerswarm/swarm'
import type { VirtualClock } from '@layerswarm/swarm/testing'
import type { AuditWatch } from '../audit-report.ts'
import type { LabNetwork } from '../network/gossip.ts'
import type { OnlyCopyCrashes } from '../only-copy.ts'
import type { Referee } from '../referee.ts'
import type { RequestRecord } from '../request-record.ts'
import type { Resident } from '../residents/resident.ts'
import type { Order } from '../scenarios/population.ts'
import type { Settings } from '../scenarios/settings.ts'

/** What a policy can see and use of the world it works in. */
export interface Scene {
  readonly settings: Settings
  readonly seed: number
  readonly clock: VirtualClock
  readonly network: LabNetwork
  readonly referee: Referee
  readonly onlyCopy: OnlyCopyCrashes
  readonly audits: AuditWatch
  readonly residents: ReadonlyMap<PeerId, Resident>
}

/** How requests are answered; everything else about a world stays the same. */
export interface AskPolicy {
  /** A resident's connections stand. */
  arrived(resident: Resident): void
  left(resident: Resident): void
  /** Fills in the record, then ends it. */
  ask(asker: Resident, order: Order, record: RequestRecord, end: (code: string) => void): void
}

/** The policies that share a stage, and how each is explained. */
export const POLICIES = {
  'any-order':
    'what ships: whoever has a step chooses who goes on and sends it there; any remaining layer may come next',
  'in-order':
    'the same for a release that keeps its order: whoever hosts the next layers may go on',
  rounds:
    'the same machines, but whoever asks has half of all layers run at once on different peers, and then the other half',
  auto: 'the same machines, and whoever asks chooses between a tour and two or more rounds of equal size',
  direct: 'the same with the whole lane as witness of every step',
  gossip: 'claims over gossip and nobody is chosen: the first answer wins every step',
  'fixed-order': 'a chain in the trained order that fails when a hop is lost',
  'fixed-order-replay':
    'a chain in the trained order; a lost hop is replayed to a replica on the shortest route',
  'random-order': 'a random order over random hosts, without claims; a lost hop is tried again',
  'small-model': 'a model that fits on one peer, run there; lost work is sent to another',
  oracle:
    'no system but a yardstick: the shortest tour over all peers, with everything known and nothing lost on the way',
} as const
/** The name of a policy. */
export type PolicyName = keyof typeof POLICIES
/** In the order of the tables. */
export const POLICY_NAMES = Object.keys(POLICIES) as readonly PolicyName[]
/** Those that a scenario runs unless it is asked for one: the others are variants and yardsticks. */
export const USUAL_POLICIES: readonly PolicyName[] = [
  'any-order',
  'fixed-order',
  'fixed-order-replay',
  'random-order',
  'small-model',
]
/** In place of a policy's name: every one of them. */
const EVERY_POLICY = 'all'
/** Those in which a client plans the whole route, and hosts may be placed in blocks for it. */
export const CHAINS: readonly PolicyName[] = ['fixed-order', 'fixed-order-replay', 'random-order']
/** Those that run on the production machines, each with a claim policy of its own; undefined for what ships. */
export const CLAIM_POLICIES: Partial<Record<PolicyName, ClaimPolicy | undefined>> = {
  'any-order': undefined,
  rounds: undefined,
  auto: undefined,
  direct: directHandOver('lane'),
  gossip,
}

/**
 * One policy, or all in place of its name.
 * @throws SwarmError `bad-request` with the list of policies for any other name.
 */
export function policiesNamed(name: string): readonly PolicyName[] {
  if (name === EVERY_POLICY) return POLICY_NAMES
  if (Object.hasOwn(POLICIES, name)) return [name as PolicyName]
  throw new SwarmError(
    { code: 'bad-request', field: 'policy' },
    `there is no policy "${name}"; the policies are ${POLICY_NAMES.join(', ')}, or ${EVERY_POLICY}`,
  )
}
