/**
 * The churn lab: the production machines and codec in virtual time, under churn, stragglers and liars,
 * beside chains that run the layers in a fixed order.
 */
export type { Frame } from './animation.ts'
export {
  CHURN_RATES,
  type ChurnPoint,
  type ChurnReport,
  scoreChurn,
  simulateChurn,
} from './churn.ts'
export { type FuzzFailure, type FuzzOptions, type FuzzReport, fuzz } from './fuzz.ts'
export type { PolicyReport } from './measure.ts'
export { POLICIES, POLICY_NAMES, type PolicyName } from './policies/policy.ts'
export { INVARIANTS, type Invariant, type Violation } from './referee.ts'
export { churnMarkdown, churnPlot } from './report/churn.ts'
export { reportHtml } from './report/html.ts'
export { reportMarkdown } from './report/markdown.ts'
export { SCENARIO_NAMES, SCENARIOS, type ScenarioName } from './scenarios/scenarios.ts'
export {
  aboutSetting,
  SETTING_NAMES,
  SETTINGS_DEFAULT,
  type SettingName,
  type Settings,
} from './scenarios/settings.ts'
export {
  type ScoreRoutes,
  type SimulateOptions,
  type SimulationProgress,
  type SimulationReport,
  type SizeReport,
  scoreReport,
  simulate,
} from './simulate.ts'
export type { Moment } from './stage.ts'
