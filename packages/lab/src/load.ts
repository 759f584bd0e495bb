import { type CompareCell, contenderName } from './compare.ts'
import {
  LOAD_BRACKET_MAX,
  LOAD_LIGHT_SHARE,
  LOAD_PER_MINUTE_MAX,
  LOAD_REQUESTS_MIN,
  LOAD_WINDOW_LATENCIES,
  LOAD_WINDOW_S_MIN,
} from './limits.ts'
import { measure, type PolicyReport } from './measure.ts'
import type { RequestRecord } from './request-record.ts'
import { scenarioSettings } from './scenarios/scenarios.ts'
import { PRODUCTION, SETTINGS_DEFAULT } from './scenarios/settings.ts'
import { replayLine, runPolicy } from './simulate.ts'

/** What a load of so many requests per minute did. */
export interface LoadPoint {
  readonly perMinute: number
  readonly requests: number
  /** Over all requests, the unanswered ones later than any; null when more than 5 % were too late or unanswered. */
  readonly p95Ms: number | null
  /** Broken promises. */
  readonly broken: number
  /** The command that repeats it. */
  readonly replay: string
}

/** How much one policy takes in one scenario. */
export interface LoadRow extends Pick<CompareCell, 'scenario' | 'policy' | 'placement'> {
  /** Hardly any requests at a time. */
  readonly light: LoadPoint
  /** Requests per minute at which p95 is twice that of the light load; null when it never was. */
  readonly doublesPerMinute: number | null
  /** What was tried after the light load, in the order of the trials. */
  readonly points: readonly LoadPoint[]
}

/** Every contender in every scenario; plain data. */
export interface LoadReport {
  /** As in the report of one simulation. */
  readonly protocol: string
  readonly peers: number
  readonly seed: number
  readonly rows: readonly LoadRow[]
  readonly broken: number
  /** The command that repeats it. */
  readonly replay: string
}

/** What is loaded. */
export interface LoadOptions {
  readonly peers?: number
  /** Requests of the light load, and the fewest of any other; LOAD_REQUESTS_MIN unless given. */
  readonly requests?: number
  readonly seed?: number
  readonly scenarios?: readonly string[]
  readonly onProgress?: (line: string) => void
}

/** Where it is asked how much a swarm takes: a small model, and a large one over home uplinks. */
export const LOAD_SCENARIOS: readonly string[] = ['calm', 'vitb-home']

type Contender = Pick<CompareCell, 'policy' | 'placement'>
const CONTENDERS: readonly Contender[] = [
  { policy: 'any-order', placement: 'random' },
  { policy: 'fixed-order-replay', placement: 'random' },
  { policy: 'fixed-order-replay', placement: 'blocks' },
]

/**
 * Finds the load at which p95 doubles, of what ships and of the chain with replay in both
 * placements: it doubles the scenario's own rate until p95 has doubled, then bisects.
 * @throws SwarmError `bad-request` like `simulate`.
 */
export function simulateLoad(options: LoadOptions = {}): LoadReport {
  const { peers = SETTINGS_DEFAULT['peers.count'], scenarios = LOAD_SCENARIOS } = options
  const { seed = 1 } = options
  // Names are looked at before the first minute is spent.
  for (const scenario of scenarios) scenarioSettings(scenario)
  const rows = scenarios.flatMap((scenario) =>
    CONTENDERS.map((contender) => {
      const world = { scenario, ...contender, peers, seed }
      const { requests = LOAD_REQUESTS_MIN, onProgress } = options
      return loadRow(world, requests, (point) => onProgress?.(pointLine(world, point)))
    }),
  )
  const broken = rows
    .flatMap(({ light, points }) => [light, ...points])
    .reduce((sum, point) => sum + point.broken, 0)
  return { protocol: PRODUCTION, peers, seed, rows, broken, replay: replayOf(options) }
}

interface LoadWorld extends Contender {
  readonly scenario: string
  readonly peers: number
  readonly seed: number
}

function loadRow(
  world: LoadWorld,
  requestsMin: number,
  tried: (point: LoadPoint) => void,
): LoadRow {
  const { scenario, policy, placement } = world
  const ownPerMinute = scenarioSettings(scenario)['requests.perMinute']
  const light = loadPoint(world, ownPerMinute * LOAD_LIGHT_SHARE, requestsMin)
  tried(light)
  const points: LoadPoint[] = []
  const { p95Ms } = light
  if (p95Ms === null) return { scenario, policy, placement, light, doublesPerMinute: null, points }
  const windowS = Math.max(LOAD_WINDOW_S_MIN, (LOAD_WINDOW_LATENCIES * p95Ms) / 1_000)
  const isDoubled = (perMinute: number) => {
    const requests = Math.max(requestsMin, Math.round((perMinute * windowS) / 60))
    const point = loadPoint(world, perMinute, requests, 2 * p95Ms)
    points.push(point)
    tried(point)
    return point.p95Ms === null || point.p95Ms >= 2 * p95Ms
  }
  const doublesPerMinute = searchDoubling(light.perMinute, ownPerMinute, isDoubled)
  return { scenario, policy, placement, light, doublesPerMinute, points }
}

/**
 * The rate from which on `isDoubled` holds, with few trials: from `start` it doubles the rate until
 * it holds, then halves the ratio of the bracket down to LOAD_BRACKET_MAX.
 * @param low where it does not hold.
 * @returns the middle of the bracket, a whole number; null when it does not hold at LOAD_PER_MINUTE_MAX.
 */
export function searchDoubling(
  low: number,
  start: number,
  isDoubled: (perMinute: number) => boolean,
): number | null {
  let held = low
  let high = start
  while (!isDoubled(high)) {
    if (high >= LOAD_PER_MINUTE_MAX) return null
    held = high
    high = Math.min(2 * high, LOAD_PER_MINUTE_MAX)
  }
  while (high / held > LOAD_BRACKET_MAX) {
    const middle = Math.round(Math.sqrt(held * high))
    if (middle <= held || middle >= high) break
    if (isDoubled(middle)) high = middle
    else held = middle
  }
  return Math.round(Math.sqrt(held * high))
}

/** @param lateMs what is slower than this is too late; a run in which more than 5 % are ends early, as heavy loads take long to simulate. */
function loadPoint(
  world: LoadWorld,
  perMinute: number,
  requests: number,
  lateMs = Number.POSITIVE_INFINITY,
): LoadPoint {
  const { scenario, policy, placement, peers, seed } = world
  const inBlocks = placement === 'blocks' ? { 'chain.blocks': 1 } : {}
  const set = { 'requests.perMinute': perMinute, ...inBlocks }
  const settings = scenarioSettings(scenario, {
    ...set,
    'peers.count': peers,
    'requests.count': requests,
  })
  const stage = runPolicy(settings, seed, policy, {
    isEnough: (records, nowMs) => lateOf(records, nowMs, lateMs) > 0.05 * requests,
  })
  const report = measure(stage)
  return {
    perMinute,
    requests,
    p95Ms: stage.isStopped ? null : p95OfAll(report),
    broken: report.violations.length,
    replay: replayLine(scenario, seed, { peers, requests, policy, set }),
  }
}

/** Requests that took longer than this, or do already. */
export function lateOf(records: readonly RequestRecord[], nowMs: number, lateMs: number): number {
  return records.filter(({ atMs, endMs = nowMs }) => endMs - atMs > lateMs).length
}

/** 95th percentile over all requests: unanswered ones take longer than any answer. */
export function p95OfAll({
  answeredShare,
  latencyMs,
}: Pick<PolicyReport, 'answeredShare' | 'latencyMs'>): number | null {
  if (answeredShare < 0.95) return null
  return latencyMs[Math.ceil(95 / answeredShare)] ?? null
}

function pointLine(world: LoadWorld, { perMinute, p95Ms }: LoadPoint): string {
  const p95 = p95Ms === null ? 'more than 5 % too late' : `p95 ${Math.round(p95Ms)} ms`
  return `${world.scenario}, ${contenderName(world)} at ${Math.round(perMinute)} a minute: ${p95}`
}

function replayOf({ peers, requests, seed, scenarios }: LoadOptions): string {
  const words = ['npx layerswarm simulate load']
  if (peers !== undefined) words.push(`--peers ${peers}`)
  if (requests !== undefined) words.push(`--requests ${requests}`)
  words.push(`--seed ${seed ?? 1}`)
  if (scenarios !== undefined) words.push(`--scenarios ${scenarios.join()}`)
  return words.join(' ')
}
