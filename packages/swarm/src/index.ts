/**
 * The claim protocol of a swarm as pure state machines: `Core` decides, `createMember` drives it
 * on ports, and the simulator drives the same core in virtual time.
 */
export { type Candidate, claimDelayMs, claimTtlMs, claimWins } from './claim-policy.ts'
export { CORE_OPTIONS_DEFAULT, Core, type CoreOptions, type MemberSnapshot } from './core.ts'
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
export * from './limits.ts'
export {
  type Classification,
  createMember,
  type Member,
  type MemberOptions,
  type MemberPorts,
} from './member.ts'
export * from './messages.ts'
export type * from './ports.ts'
export { appliedLayers } from './sim/symbolic-compute.ts'
export { type Inhabitant, World, type WorldOptions } from './sim/world.ts'
export { BATCH_MAX, type ModelShape, stepFault } from './step.ts'
