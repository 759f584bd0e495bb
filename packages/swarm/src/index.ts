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
export type { Frame } from './sim/animation.ts'
export {
  CHURN_RATES,
  type ChurnPoint,
  type ChurnReport,
  churnMarkdown,
  churnPlot,
  scoreChurn,
  simulateChurn,
} from './sim/churn.ts'
export { type FuzzFailure, type FuzzOptions, type FuzzReport, fuzz } from './sim/fuzz.ts'
export type { PolicyReport } from './sim/measure.ts'
export {
  barPlot,
  escapeXml,
  linePlot,
  type PlotOptions,
  type Series,
  standaloneSvg,
} from './sim/plot.ts'
export { POLICIES, POLICY_NAMES, type PolicyName } from './sim/policy.ts'
export { INVARIANTS, type Invariant, type Violation } from './sim/referee.ts'
export { reportHtml } from './sim/report-html.ts'
export { reportMarkdown } from './sim/report-markdown.ts'
export { SCENARIO_NAMES, SCENARIOS, type ScenarioName } from './sim/scenarios.ts'
export {
  aboutSetting,
  SETTING_NAMES,
  SETTINGS_DEFAULT,
  type SettingName,
  type Settings,
} from './sim/settings.ts'
export {
  type ScoreRoutes,
  type SimulateOptions,
  type SimulationProgress,
  type SimulationReport,
  type SizeReport,
  scoreReport,
  simulate,
} from './sim/simulate.ts'
export type { Moment } from './sim/stage.ts'
export { appliedLayers } from './sim/symbolic-compute.ts'
export { type Inhabitant, World, type WorldOptions } from './sim/world.ts'
export { BATCH_MAX, type ModelShape, stepFault } from './step.ts'
