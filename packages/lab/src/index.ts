/**
 * The churn lab: the production machines and codec of `@layerswarm/swarm` in virtual time, under
 * churn, stragglers and liars, beside chains that run the layers in a fixed order. A scenario is a
 * set of settings, each of which can be changed by name; peers, links, faults and requests are the
 * same for every policy, and the same seed repeats a run event by event. `docs/churn-lab.md` lists
 * the scenarios, their sources, and how a report is read.
 *
 * @example
 * ```ts
 * import { simulate } from '@layerswarm/lab'
 *
 * const report = simulate('harsh', { peers: 20, requests: 30, seed: 1, policy: 'any-order' })
 * const figures = report.policies['any-order']
 * console.log(`${figures?.answered} of ${report.requests} answered, p50 ${figures?.p50Ms} ms`)
 * console.log(report.replay) // the command that repeats this run
 * ```
 *
 * @packageDocumentation
 */

export type { Frame } from './animation.ts'
export type { AttackedRequests, AttackReport } from './attack-report.ts'
export {
  CHURN_RATES,
  type ChurnPoint,
  type ChurnReport,
  scoreChurn,
  simulateChurn,
} from './churn.ts'
export {
  COMPARE_SCENARIOS,
  type CompareCell,
  type CompareOptions,
  type CompareReport,
  type CompareRow,
  compareCells,
  compareReport,
  compareRow,
  type Placement,
} from './compare.ts'
export { type FuzzFailure, type FuzzOptions, type FuzzReport, fuzz } from './fuzz.ts'
export {
  type LoadOptions,
  type LoadPoint,
  type LoadReport,
  type LoadRow,
  simulateLoad,
} from './load.ts'
export type { PolicyReport } from './measure.ts'
export type { NewcomerReport } from './newcomers.ts'
export type { OnlyCopyReport } from './only-copy.ts'
export { POLICIES, POLICY_NAMES, type PolicyName } from './policies/policy.ts'
export { INVARIANTS, type Invariant, type Violation } from './referee.ts'
export { churnMarkdown, churnPlot } from './report/churn.ts'
export { compareHtml, compareMarkdown } from './report/compare.ts'
export { reportCsv } from './report/csv.ts'
export { reportHtml } from './report/html.ts'
export { loadMarkdown } from './report/load.ts'
export { reportMarkdown } from './report/markdown.ts'
export { ATTACKS, type Attack, startAttack } from './residents/attacks.ts'
export { type Hosted, hostedText } from './scenarios/hosted.ts'
export { SCENARIO_NAMES, SCENARIOS, type ScenarioName } from './scenarios/scenarios.ts'
export {
  aboutSetting,
  SETTING_NAMES,
  SETTINGS_DEFAULT,
  type SettingName,
  type Settings,
} from './scenarios/settings.ts'
export {
  type Route,
  type ScoreRoutes,
  type SimulateOptions,
  type SimulationProgress,
  type SimulationReport,
  type SizeReport,
  scoreReport,
  simulate,
} from './simulate.ts'
export type { Moment } from './stage.ts'
