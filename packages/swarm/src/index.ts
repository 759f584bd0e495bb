/**
 * The claim protocol of a swarm as pure state machines: `Core` decides, `createMember` drives it
 * on ports.
 */
export { type Candidate, claimDelayMs, claimTtlMs, claimWins } from './claims/first-answer.ts'
export { CORE_OPTIONS_DEFAULT, Core, type CoreOptions, type MemberSnapshot } from './core.ts'
export { draw, drawMixed, drawOn, pick } from './draw.ts'
export {
  type Answer,
  CLASSIFY_POLICY_DEFAULT,
  type ClassifyPolicy,
  type Effect,
  type Input,
  type MemberEvent,
  type Progress,
} from './effects.ts'
export { SwarmError, type SwarmFault } from './errors.ts'
export { type Bans, createBans } from './gate/bans.ts'
export {
  type Arrival,
  createGate,
  GATE_DEFAULTS,
  type Gate,
  type GateOptions,
  type IgnoreReason,
  type Verdict,
} from './gate/gate.ts'
export { createLaneReach } from './gate/lane-reach.ts'
export {
  type FaultKind,
  type Judged,
  judgeMessage,
  type MessageFault,
} from './gate/message-rules.ts'
export { createNewest } from './gate/newest.ts'
export { createQuota, type Quota, type QuotaOptions, type Rate } from './gate/quota.ts'
export { stepFault } from './gate/step-fault.ts'
export * from './limits.ts'
export {
  type Classification,
  createMember,
  type Member,
  type MemberOptions,
  type MemberPorts,
} from './member.ts'
export type * from './ports.ts'
export { BATCH_MAX, type ModelShape, openLayers } from './step.ts'
export * from './wire/messages.ts'
