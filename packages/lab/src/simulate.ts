import { type ClaimPolicy, SwarmError } from '@layerswarm/swarm'
import { measure, type PolicyReport } from './measure.ts'
import { AnyOrder, roundsOf } from './policies/any-order.ts'
import { Chain } from './policies/chain.ts'
import { Oracle } from './policies/oracle.ts'
import {
  type AskPolicy,
  CHAINS,
  CLAIM_POLICIES,
  POLICY_NAMES,
  type PolicyName,
  policiesNamed,
  type Scene,
  USUAL_POLICIES,
} from './policies/policy.ts'
import { SmallModel } from './policies/small-model.ts'
import type { Violation } from './referee.ts'
import { checkHosted, type Hosted, hostedText } from './scenarios/hosted.ts'
import { scenarioNamed, scenarioSettings } from './scenarios/scenarios.ts'
import {
  protocolOf,
  SETTINGS_DEFAULT,
  type SettingName,
  type Settings,
} from './scenarios/settings.ts'
import { Stage, type StageOptions } from './stage.ts'

/** What is asked of a scenario; the rest is its own. */
export interface SimulateOptions {
  /** Providers; the scenario's own number unless given. */
  readonly peers?: number
  readonly requests?: number
  /** A whole number from 0 to 2^32 − 1. */
  readonly seed?: number
  /** One policy, or `all`; USUAL_POLICIES unless given. */
  readonly policy?: string
  /** Claim policies to compare in place of the known policies, by the names that the report gives them. */
  readonly policies?: Readonly<Record<string, ClaimPolicy>>
  /** `--set a.b=c`, as names and values. */
  readonly set?: Readonly<Record<string, string | number>>
  /** Layers of each provider of the start, which it keeps; they take what is rarest unless given. */
  readonly hosted?: Hosted
  readonly onProgress?: (progress: SimulationProgress) => void
}

/** How far a run is. */
export interface SimulationProgress {
  readonly policy: string
  readonly peers: number
  readonly done: number
  readonly of: number
}

/** One swarm size of a growing swarm. */
export interface SizeReport {
  readonly peers: number
  readonly answeredShare: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly controlBytesPerPeerSecond: number
  readonly bytesPerPeerSecond: number
  readonly bytesPerRequest: number
  readonly lanes: number
  readonly violations: readonly Violation[]
}

/** Everything that a simulation found; plain data. */
export interface SimulationReport {
  /** Which protocol ran: production's, or the settings in which it differs, by name and value. */
  readonly protocol: string
  readonly scenario: string
  readonly about: string
  readonly seed: number
  readonly peers: number
  readonly requests: number
  /** Over the traces of all policies. */
  readonly traceHash: string
  readonly settings: Settings
  /** What the settings change against the defaults. */
  readonly changed: Partial<Settings>
  /** By policy, in the order in which they ran. */
  readonly policies: Readonly<Record<string, PolicyReport>>
  /** For `lanes`: the same policy in swarms of growing size, the last of them the one of `policies`. */
  readonly sizes: readonly SizeReport[]
  /** Broken promises over all policies and sizes. */
  readonly broken: number
  /** The command that repeats this run. */
  readonly replay: string
}

/** Swarm sizes of the scenario `lanes`, up to the one that was asked for. */
const LANE_SIZES = [100, 300, 1_000, 3_000, 10_000]
const LANES = 'lanes'

/**
 * Runs a scenario in virtual time, once per policy, over the production machines and codec.
 * Peers, links, faults and requests are the same for every policy; the same seed repeats a run
 * event by event.
 * @throws SwarmError `bad-request` for an unknown scenario, policy or setting (the message lists
 * the known ones) or a value out of range.
 */
export function simulate(scenario: string, options: SimulateOptions = {}): SimulationReport {
  const { about } = scenarioNamed(scenario)
  const seed = seedOf(options.seed)
  const settings = scenarioSettings(scenario, changesOf(options))
  const { hosted } = options
  if (hosted !== undefined) checkHosted(hosted, settings, scenario !== LANES)
  const placed = hosted === undefined ? {} : { hosted }
  const policies: Record<string, PolicyReport> = {}
  const sizes: SizeReport[] = []
  for (const [name, contender] of contendersOf(scenario, options)) {
    if (scenario === LANES)
      sizes.push(...smallerSizes(settings, seed, name, contender, options.onProgress))
    const stage = runContender(settings, seed, name, contender, options.onProgress, placed)
    const report = measure(stage)
    policies[name] = report
    if (scenario === LANES) sizes.push(sizeOf(stage, report))
  }
  const reports = Object.values(policies)
  return {
    protocol: protocolRun(settings, Object.keys(policies)),
    scenario,
    about,
    seed,
    peers: settings['peers.count'],
    requests: settings['requests.count'],
    traceHash: reports.map(({ traceHash }) => traceHash).join(''),
    settings,
    changed: changedOf(settings),
    policies,
    sizes,
    broken: [...reports, ...sizes.filter((size) => size.peers !== settings['peers.count'])].reduce(
      (total, { violations }) => total + violations.length,
      0,
    ),
    replay: replayLine(scenario, seed, options),
  }
}

/** Production's protocol or what is different, claim policies that do not ship included. */
function protocolRun(settings: Settings, policies: readonly string[]): string {
  const own = policies.filter((name) => CLAIM_POLICIES[name as PolicyName] !== undefined)
  if (own.length === 0) return protocolOf(settings)
  return `${protocolOf(settings)}, but for the claim policy ${own.join(' and ')}`
}

/** A policy of the lab, or the production machines with a claim policy of the caller's. */
type Contender = PolicyName | ClaimPolicy

/** Runs one policy in a world of these settings. @param options of the stage, beside those that the policy has. */
export function runPolicy(
  settings: Settings,
  seed: number,
  policy: PolicyName,
  options: Pick<StageOptions, 'isEnough'> = {},
): Stage {
  return runContender(settings, seed, policy, policy, undefined, options)
}

function runContender(
  settings: Settings,
  seed: number,
  policy: string,
  contender: Contender,
  onProgress?: (progress: SimulationProgress) => void,
  options: Pick<StageOptions, 'isEnough' | 'hosted'> = {},
): Stage {
  const kept = contender === 'in-order' ? { ...settings, 'model.keepsOrder': 1 } : settings
  const stage =
    typeof contender === 'string'
      ? new Stage(kept, seed, (scene) => createPolicy(contender, scene), {
          ...options,
          claimPolicy: CLAIM_POLICIES[contender],
          inBlocks: settings['chain.blocks'] === 1 && CHAINS.includes(contender),
        })
      : new Stage(settings, seed, (scene) => new AnyOrder(scene), {
          ...options,
          claimPolicy: contender,
        })
  const peers = settings['peers.count']
  stage.run((done, of) => onProgress?.({ policy, peers, done, of }))
  return stage
}

function createPolicy(name: PolicyName, scene: Scene): AskPolicy {
  switch (name) {
    case 'any-order':
    case 'in-order':
    case 'direct':
    case 'gossip':
      return new AnyOrder(scene)
    case 'rounds':
    case 'auto':
      return new AnyOrder(
        scene,
        roundsOf(name, scene.settings['model.layers'], scene.settings['requests.maxLoss']),
      )
    case 'fixed-order':
      return new Chain(scene, { order: 'fixed', recovers: false })
    case 'fixed-order-replay':
      return new Chain(scene, { order: 'fixed', recovers: true })
    case 'random-order':
      return new Chain(scene, { order: 'random', recovers: true })
    case 'small-model':
      return new SmallModel(scene)
    case 'oracle':
      return new Oracle(scene)
    default:
      return name satisfies never
  }
}

function contendersOf(
  scenario: string,
  { policy, policies }: SimulateOptions,
): readonly [string, Contender][] {
  if (policies !== undefined) return Object.entries(policies)
  if (policy !== undefined) return policiesNamed(policy).map((name) => [name, name])
  // Growth concerns the gossip of this project; the chains have none.
  const names = scenario === LANES ? (['any-order'] as const) : USUAL_POLICIES
  return names.map((name) => [name, name])
}

function smallerSizes(
  settings: Settings,
  seed: number,
  policy: string,
  contender: Contender,
  onProgress: SimulateOptions['onProgress'],
): SizeReport[] {
  const peers = settings['peers.count']
  return LANE_SIZES.filter((size) => size < peers).map((size) => {
    const smaller = {
      ...settings,
      'peers.count': size,
      'requests.perMinute': (settings['requests.perMinute'] * size) / peers,
      'requests.count': Math.max(50, Math.round((settings['requests.count'] * size) / peers)),
    }
    const stage = runContender(smaller, seed, policy, contender, onProgress)
    return sizeOf(stage, measure(stage))
  })
}

function sizeOf(stage: Stage, report: PolicyReport): SizeReport {
  return {
    peers: stage.settings['peers.count'],
    answeredShare: report.answeredShare,
    p50Ms: report.p50Ms,
    p95Ms: report.p95Ms,
    controlBytesPerPeerSecond: report.controlBytesPerPeerSecond,
    bytesPerPeerSecond: report.bytesPerPeerSecond,
    bytesPerRequest: report.bytesPerRequest,
    lanes: stage.network.lanes.filter(({ providers }) => providers > 0).length,
    violations: report.violations,
  }
}

function seedOf(seed = 1): number {
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) return seed
  throw new SwarmError(
    { code: 'bad-request', field: 'seed' },
    `the seed must be a whole number from 0 to ${2 ** 32 - 1}, not ${seed}`,
  )
}

function changesOf({ peers, requests, set }: SimulateOptions): Record<string, string | number> {
  return {
    ...set,
    ...(peers === undefined ? {} : { 'peers.count': wholeNumber('peers', peers) }),
    ...(requests === undefined ? {} : { 'requests.count': wholeNumber('requests', requests) }),
  }
}

function wholeNumber(field: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value
  throw new SwarmError(
    { code: 'bad-request', field },
    `${field} must be a whole number above 0, not ${value}`,
  )
}

function changedOf(settings: Settings): Partial<Settings> {
  return Object.fromEntries(
    Object.entries(settings).filter(
      ([name, value]) => value !== SETTINGS_DEFAULT[name as SettingName],
    ),
  )
}

/** The command that repeats a run. */
export function replayLine(scenario: string, seed: number, options: SimulateOptions): string {
  return ['npx layerswarm simulate', scenario, ...wordsOf({ ...options, seed })].join(' ')
}

/** The options of such a command. */
export function wordsOf(options: SimulateOptions): string[] {
  const words: string[] = []
  if (options.peers !== undefined) words.push(`--peers ${options.peers}`)
  if (options.requests !== undefined) words.push(`--requests ${options.requests}`)
  words.push(`--seed ${options.seed ?? 1}`)
  if (options.policy !== undefined) words.push(`--policy ${options.policy}`)
  if (options.hosted !== undefined) words.push(`--hosted ${hostedText(options.hosted)}`)
  for (const [name, value] of Object.entries(options.set ?? {}))
    words.push(`--set ${name}=${value}`)
  return words
}

/** The layers of an answer in their order, and how many of them ran at once, round by round; empty for one after another. */
export interface Route {
  readonly layers: readonly number[]
  readonly rounds: readonly number[]
}

/**
 * What a model makes of the routes of a policy: top-1 from 0 to 1 over the images they are tried on;
 * null when there is no model to try them with. `small-model` has empty routes.
 */
export type ScoreRoutes = (routes: readonly Route[], policy: PolicyName) => Promise<number | null>

/** Fills in the accuracy of every policy that answered, from the routes that its answers took. */
export async function scoreReport(
  report: SimulationReport,
  scoreRoutes: ScoreRoutes,
): Promise<SimulationReport> {
  const policies: Partial<Record<PolicyName, PolicyReport>> = {}
  for (const name of POLICY_NAMES) {
    const one = report.policies[name]
    if (one === undefined) continue
    const routes = one.routes.map((layers, i) => ({ layers, rounds: one.rounds[i] ?? [] }))
    const accuracy = routes.length === 0 ? null : await scoreRoutes(routes, name)
    policies[name] = { ...one, accuracy }
  }
  return { ...report, policies }
}
