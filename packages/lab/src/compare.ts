import { GOSSIP_REQUESTS_MAX, IDLE_REQUESTS_MAX, VITB_REQUESTS_MAX } from './limits.ts'
import type { PolicyReport } from './measure.ts'
import { CHAINS, CLAIM_POLICIES, type PolicyName, policiesNamed } from './policies/policy.ts'
import { scenarioSettings } from './scenarios/scenarios.ts'
import { changeSettings, protocolOf, SETTINGS_DEFAULT } from './scenarios/settings.ts'
import type { SimulateOptions, SimulationReport } from './simulate.ts'

/** Where hosts of a chain stand: whatever layers are rarest, or aligned blocks of neighbouring layers. */
export type Placement = 'random' | 'blocks'

/** One run of a comparison. */
export interface CompareCell {
  readonly scenario: string
  readonly seed: number
  readonly policy: PolicyName
  readonly placement: Placement
  /** What `simulate` is to be asked for. */
  readonly options: SimulateOptions
}

/** Figures of one cell; shares from 0 to 1, times in milliseconds. */
export interface CompareRow
  extends Pick<
    PolicyReport,
    | 'requests'
    | 'answered'
    | 'answeredShare'
    | 'partialShare'
    | 'p50Ms'
    | 'p95Ms'
    | 'p99Ms'
    | 'bytesPerRequest'
    | 'askerBytesPerRequest'
    | 'inRoundsShare'
    | 'controlBytesPerPeerSecond'
    | 'newcomers'
    | 'onlyCopy'
    | 'wastedComputeShare'
    | 'wrongByLiars'
    | 'accuracy'
  > {
  readonly scenario: string
  readonly seed: number
  readonly policy: PolicyName
  readonly placement: Placement
  /** Broken promises. */
  readonly broken: number
  /** The command that repeats this row. */
  readonly replay: string
}

/** The whole table; plain data. */
export interface CompareReport {
  /** As in the report of one simulation. */
  readonly protocol: string
  readonly peers: number
  /** Requests of each run, where a row does not say that it had fewer. */
  readonly requests: number
  readonly seeds: readonly number[]
  readonly scenarios: readonly string[]
  /** What a reader must know of the rows. */
  readonly notes: readonly string[]
  readonly rows: readonly CompareRow[]
  /** Rows that were asked for; fewer are there when it was stopped. */
  readonly wanted: number
  readonly broken: number
  readonly replay: string
}

/** What is compared. */
export interface CompareOptions {
  readonly peers?: number
  readonly requests?: number
  readonly seeds?: readonly number[]
  readonly scenarios?: readonly string[]
  /** The usual contenders unless given. */
  readonly policies?: readonly string[]
  /** Settings that are changed in every scenario, as names and values. */
  readonly set?: Readonly<Record<string, string>>
}

/** Scenarios of a comparison unless it is asked for others. */
export const COMPARE_SCENARIOS: readonly string[] = [
  'harsh',
  'calm',
  'tabs',
  'stragglers20',
  'mass-leave',
  'vitb-home',
  'sybils50',
]
const COMPARE_SEEDS: readonly number[] = [1]

/** Scenarios in which requests are rare, and how many of them tell enough. */
const FEWER_REQUESTS: Readonly<Record<string, number>> = {
  'vitb-home': VITB_REQUESTS_MAX,
  idle: IDLE_REQUESTS_MAX,
}

/** Each policy with its placement, in the order of the table. */
const CONTENDERS: readonly (readonly [PolicyName, Placement])[] = [
  ['any-order', 'random'],
  ['direct', 'random'],
  ['gossip', 'random'],
  ['fixed-order-replay', 'random'],
  ['fixed-order-replay', 'blocks'],
  ['fixed-order', 'random'],
  ['small-model', 'random'],
  ['oracle', 'random'],
]

/**
 * The runs of a comparison, scenario by scenario and seed by seed.
 * @throws SwarmError `bad-request` for an unknown scenario, with the list of the known ones.
 */
export function compareCells(options: CompareOptions = {}): CompareCell[] {
  const { peers, requests, seeds, scenarios } = filled(options)
  for (const scenario of scenarios) changeSettings(scenarioSettings(scenario), options.set ?? {})
  const contenders = contendersOf(options)
  return scenarios.flatMap((scenario) =>
    seeds.flatMap((seed) =>
      contenders.map(([policy, placement]) => ({
        scenario,
        seed,
        policy,
        placement,
        options: {
          peers,
          requests: Math.min(requests, mostRequests(scenario, policy)),
          seed,
          policy,
          ...setOf(placement, options),
        },
      })),
    ),
  )
}

function contendersOf({ policies }: CompareOptions): typeof CONTENDERS {
  return policies === undefined
    ? CONTENDERS
    : policies.flatMap(policiesNamed).map((name) => [name, 'random'] as const)
}

function setOf(placement: Placement, { set }: CompareOptions): Pick<SimulateOptions, 'set'> {
  const all = { ...set, ...(placement === 'blocks' ? { 'chain.blocks': 1 } : {}) }
  return Object.keys(all).length === 0 ? {} : { set: all }
}

function filled(options: CompareOptions) {
  return {
    peers: options.peers ?? SETTINGS_DEFAULT['peers.count'],
    requests: options.requests ?? SETTINGS_DEFAULT['requests.count'],
    seeds: options.seeds ?? COMPARE_SEEDS,
    scenarios: options.scenarios ?? COMPARE_SCENARIOS,
  }
}

function mostRequests(scenario: string, policy: PolicyName): number {
  const most = FEWER_REQUESTS[scenario] ?? Number.POSITIVE_INFINITY
  return policy === 'gossip' ? Math.min(most, GOSSIP_REQUESTS_MAX) : most
}

/** Reads a row off the report of its run. */
export function compareRow(
  { scenario, seed, policy, placement }: CompareCell,
  { policies, broken, replay }: SimulationReport,
): CompareRow {
  const one = policies[policy] as PolicyReport
  return {
    scenario,
    seed,
    policy,
    placement,
    answeredShare: one.answeredShare,
    partialShare: one.partialShare,
    p50Ms: one.p50Ms,
    p95Ms: one.p95Ms,
    p99Ms: one.p99Ms,
    bytesPerRequest: one.bytesPerRequest,
    askerBytesPerRequest: one.askerBytesPerRequest,
    inRoundsShare: one.inRoundsShare,
    controlBytesPerPeerSecond: one.controlBytesPerPeerSecond,
    newcomers: one.newcomers,
    onlyCopy: one.onlyCopy,
    wastedComputeShare: one.wastedComputeShare,
    accuracy: one.accuracy,
    requests: one.requests,
    answered: one.answered,
    wrongByLiars: one.wrongByLiars,
    broken,
    replay,
  }
}

/** The report over the rows that there are. */
export function compareReport(options: CompareOptions, rows: readonly CompareRow[]): CompareReport {
  const { peers, requests, seeds, scenarios } = filled(options)
  return {
    protocol: protocolOfAll(options),
    peers,
    requests,
    seeds,
    scenarios,
    notes: notesOf(rows, requests),
    rows,
    wanted: compareCells(options).length,
    broken: rows.reduce((sum, row) => sum + row.broken, 0),
    replay: replayOf(options),
  }
}

function protocolOfAll(options: CompareOptions): string {
  const own = contendersOf(options)
    .map(([policy]) => policy)
    .filter((policy) => CLAIM_POLICIES[policy] !== undefined)
  const ships = protocolOf(changeSettings(SETTINGS_DEFAULT, options.set ?? {}))
  if (own.length === 0) return ships
  return `${ships}, but for the claim polic${own.length > 1 ? 'ies' : 'y'} ${own.join(' and ')}`
}

function notesOf(rows: readonly CompareRow[], requests: number): string[] {
  const fewer = rows.filter((row) => row.requests < requests)
  const notes = [
    'Bytes per request are those of requests: steps, claims and tensors, every copy and overhead. Presence has a column of its own.',
    'Chains have no gossip of their own: their members announce themselves with the same presence, and their clients know all servers and all ways for nothing.',
    'The oracle loses and queues nothing: its row is a floor and no system. Its bytes are the tensors alone.',
  ]
  if (fewer.some(({ policy }) => policy === 'gossip'))
    notes.push(
      `Plain gossip had ${GOSSIP_REQUESTS_MAX} requests at most, since a crowd of it takes minutes to simulate; more requests would only deepen its congestion.`,
    )
  for (const [name, most] of Object.entries(FEWER_REQUESTS))
    if (fewer.some(({ scenario, policy }) => scenario === name && policy !== 'gossip'))
      notes.push(`${name} had ${most} requests at most.`)
  return notes
}

function replayOf({ peers, requests, seeds, scenarios, policies, set }: CompareOptions): string {
  const words = ['npx layerswarm simulate compare']
  if (peers !== undefined) words.push(`--peers ${peers}`)
  if (requests !== undefined) words.push(`--requests ${requests}`)
  if (seeds !== undefined) words.push(`--seeds ${seeds.join()}`)
  if (scenarios !== undefined) words.push(`--scenarios ${scenarios.join()}`)
  if (policies !== undefined) words.push(`--policies ${policies.join()}`)
  for (const [name, value] of Object.entries(set ?? {})) words.push(`--set ${name}=${value}`)
  return words.join(' ')
}

/** How a table calls a row's policy. */
export function contenderName({
  policy,
  placement,
}: Pick<CompareRow, 'policy' | 'placement'>): string {
  return CHAINS.includes(policy) && placement === 'blocks' ? `${policy}, blocks` : policy
}
