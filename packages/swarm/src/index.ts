/**
 * The protocol of a swarm as pure state machines: who goes on with which request, which layers they
 * run, and what becomes of a request whose peers leave. Inputs and the time go in, effects come out;
 * `createMember` performs them on four ports that the caller brings: a `Transport` to the other
 * members, a `Clock`, `Random` bytes, and a `Compute` that runs layers. A member asks, serves, or
 * both. `@layerswarm/swarm/testing` has all four ports in virtual time, so that a whole swarm runs
 * in one thread and repeats exactly.
 *
 * @example
 * ```ts
 * import { World } from '@layerswarm/swarm/testing'
 *
 * const world = new World({ seed: 1 }) // a model of 8 layers, a quiet network
 * world.join('anna', { serve: [0, 2, 4, 6] })
 * world.join('ben', { serve: [1, 3, 5, 7] })
 * const { member } = world.join('asker', { serve: [] })
 * world.clock.run(5_000) // five virtual seconds, in which they meet
 *
 * const { answer } = member.classify(world.stem(), { deadlineMs: 10_000 })
 * world.clock.run(15_000)
 * const { route, missingLayers } = await answer
 * const order = route.map(({ layer }) => layer) // eight layers, in an order that nobody chose
 * ```
 *
 * @packageDocumentation
 */

export type { SignedStatement } from './chain/statement.ts'
export { directHandOver } from './claims/direct.ts'
export { gossip } from './claims/gossip.ts'
export type { Candidate, ClaimPolicy, Rank } from './claims/policy.ts'
export { type AskOnce, type Confirmation, confirm } from './confirm/confirm.ts'
export { disjointOrder, sharedPlaces } from './confirm/disjoint-order.ts'
export { POLICY_DEFAULT } from './core-options.ts'
export { draw, drawMixed, drawOn, pick } from './draw.ts'
export { createMember } from './driver.ts'
export type { MemberEvent } from './effects.ts'
export { SwarmError, type SwarmFault } from './errors.ts'
export type { FailureFault, Missing } from './failure.ts'
export {
  type Admission,
  askBeforeChecking,
  gossipNumber,
  type RawMessage,
  type Receiving,
} from './gate/admission.ts'
export { type Backlog, createBacklog } from './gate/backlog.ts'
export { type Bans, createBans } from './gate/bans.ts'
export { boundFrames } from './gate/frame-bounds.ts'
export {
  type Arrival,
  createGate,
  GATE_DEFAULTS,
  type Gate,
  type GateOptions,
  type IgnoreReason,
  type Knock,
  type Verdict,
} from './gate/gate.ts'
export { keepSpeaking, type Speaking } from './gate/gossip-streams.ts'
export { createLaneReach } from './gate/lane-reach.ts'
export {
  type FaultKind,
  type Judged,
  judgeMessage,
  type MessageFault,
} from './gate/message-rules.ts'
export { createNewest } from './gate/newest.ts'
export { createQuota, type Quota, type QuotaOptions, type Rate } from './gate/quota.ts'
export { boundRpcs, type Rpc, type RpcBounds, type RpcReceiving } from './gate/rpc-bounds.ts'
export { createSeats, type Seats } from './gate/seats.ts'
export { stepFault } from './gate/step-fault.ts'
export { createTurns, type Turns, type TurnsOptions } from './gate/turns.ts'
export { entryLane, type LaneSizes, laneSizes } from './lanes/choice.ts'
export * from './limits.ts'
export type {
  Classification,
  Member,
  MemberOptions,
  MemberPorts,
  StemOutcome,
  StemRun,
} from './member.ts'
export { type AllowList, createAllowList, parseAllowList } from './membership/allow-list.ts'
export { createGuests, type Guests, type GuestsNeeds } from './membership/guests.ts'
export {
  keyInLink,
  linkWithKey,
  parseSwarmKey,
  type SwarmKey,
  swarmId,
  swarmPrologue,
  withoutKey,
} from './membership/swarm-key.ts'
export type { OwnWeights, ReleaseJudgement } from './mixed-release.ts'
export type * from './ports.ts'
export {
  type Answer,
  type Checked,
  CLASSIFY_POLICY_DEFAULT,
  type ClassifyPolicy,
  fullTours,
  type Progress,
} from './request.ts'
export type { MemberSnapshot } from './snapshot.ts'
export { isInOwnOrder, type ModelShape, openLayers } from './step.ts'
export { type IceServer, iceHost, parseIceServer } from './wire/ice-server.ts'
export { countLanes, type LaneCount, parseLaneCount } from './wire/lane-count.ts'
export { ED25519_KEY_BYTES } from './wire/limits.ts'
export { isLoopback } from './wire/loopback.ts'
export * from './wire/messages.ts'
export { networkOf, regionOf } from './wire/network.ts'
export { isEd25519Id, peerIdOfKey } from './wire/peer-id.ts'
export * from './wire/topics.ts'
export type { Weighted } from './wire/weights.ts'
