/**
 * The claim protocol of a swarm as pure state machines: `Core` decides, `createMember` drives it
 * on ports.
 */
export { FIRST_ANSWER } from './claims/first-answer.ts'
export type { Candidate, ClaimPolicy, Rank } from './claims/policy.ts'
export { draw, drawMixed, drawOn, pick } from './draw.ts'
export { createMember } from './driver.ts'
export type { MemberEvent } from './effects.ts'
export { SwarmError, type SwarmFault } from './errors.ts'
export { type Bans, createBans } from './gate/bans.ts'
export { createLaneReach } from './gate/lane-reach.ts'
export { judgeMessage } from './gate/message-rules.ts'
export { createNewest } from './gate/newest.ts'
export { createQuota, type Quota } from './gate/quota.ts'
export * from './limits.ts'
export type { Classification, Member, MemberOptions, MemberPorts } from './member.ts'
export type * from './ports.ts'
export {
  type Answer,
  CLASSIFY_POLICY_DEFAULT,
  type ClassifyPolicy,
  type FailureFault,
  type Progress,
} from './request.ts'
export type { MemberSnapshot } from './snapshot.ts'
export { BATCH_MAX, type ModelShape, openLayers, stepFault } from './step.ts'
export * from './wire/messages.ts'
