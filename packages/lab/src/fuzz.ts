import { INLINE_BYTES_MAX } from '@layerswarm/swarm'
import { SeededRandom } from '@layerswarm/swarm/testing'
import type { Violation } from './referee.ts'
import { ATTACKS } from './residents/attacks.ts'
import { scenarioSettings } from './scenarios/scenarios.ts'
import {
  changeSettings,
  PRODUCTION,
  protocolChanges,
  type SettingName,
  type Settings,
} from './scenarios/settings.ts'
import { replayLine, runPolicy } from './simulate.ts'

/** A world that broke a promise, made as small as it could be while it still does. */
export interface FuzzFailure {
  readonly run: number
  readonly seed: number
  readonly violation: Violation
  /** What is left of the drawn settings after shrinking. */
  readonly set: Readonly<Record<string, number>>
  readonly replay: string
}

/** What a search through random worlds found. */
export interface FuzzReport {
  /** Which protocol ran, and what of it some worlds drew differently. */
  readonly protocol: string
  readonly runs: number
  readonly seed: number
  readonly requests: number
  readonly answered: number
  /** Promises checked. */
  readonly checks: number
  /** Runs of each policy: tours, rounds, and what is quicker of both. */
  readonly policies: Readonly<Record<string, number>>
  /** Runs in which each kind of fault took part. */
  readonly faults: Readonly<Record<string, number>>
  readonly failures: readonly FuzzFailure[]
}

/** How worlds are searched. */
export interface FuzzOptions {
  readonly seed?: number
  /** Told after each world what all of them found so far, of so many that are to be searched. */
  readonly onProgress?: (soFar: FuzzReport, of: number) => void
}

type Draw = (random: SeededRandom) => Partial<Record<SettingName, number>>

const between = (random: SeededRandom, low: number, high: number) =>
  low + random.uniform() * (high - low)
const whole = (random: SeededRandom, low: number, high: number) =>
  low + random.below(high - low + 1)

/** Everything that can go wrong, each with a strength that is drawn. */
const FAULTS: Readonly<Record<string, Draw>> = {
  churn: (r) => ({ 'churn.shape': between(r, 0.4, 1), 'churn.scaleMs': between(r, 5e3, 1e5) }),
  'silent deaths': () => ({ 'churn.goodbyeShare': 0 }),
  freezes: (r) => ({
    'freeze.perMinute': between(r, 0.5, 5),
    'freeze.ms': between(r, 500, 15_000),
  }),
  'device losses': (r) => ({ 'device.lossPerMinute': between(r, 1, 10) }),
  'mass leave': (r) => ({
    'massLeave.atMs': between(r, 4_000, 9_000),
    'massLeave.share': between(r, 0.3, 1),
  }),
  crowd: (r) => ({ 'flashCrowd.atMs': between(r, 4_000, 8_000), 'flashCrowd.factor': 3 }),
  loss: (r) => ({ 'links.loss': between(r, 0.01, 0.4) }),
  duplicates: (r) => ({ 'links.duplicate': between(r, 0.01, 0.5) }),
  reordering: (r) => ({
    'links.reorder': between(r, 0.05, 0.5),
    'links.reorderMs': between(r, 50, 2_000),
  }),
  'no direct paths': (r) => ({ 'links.natShare': between(r, 0.3, 0.9) }),
  'far away': (r) => ({ 'links.rttMedianMs': between(r, 200, 900) }),
  'thin uplinks': (r) => ({ 'links.upMbps': between(r, 0.2, 2) }),
  partition: (r) => ({
    'partition.atMs': between(r, 4_000, 9_000),
    'partition.ms': between(r, 500, 12_000),
    'partition.share': between(r, 0.2, 0.8),
  }),
  'crashes on claim': (r) => ({ 'crash.onClaim': between(r, 0.01, 0.2) }),
  'crashes on run': (r) => ({ 'crash.onRun': between(r, 0.01, 0.2) }),
  'crashes on step': (r) => ({ 'crash.onStep': between(r, 0.01, 0.2) }),
  'crashes on pull': (r) => ({ 'crash.onPull': between(r, 0.01, 0.2) }),
  'corrupt layers': (r) => ({ 'layers.corruptShare': between(r, 0.05, 0.9) }),
  stragglers: (r) => ({ 'stragglers.share': between(r, 0.1, 0.9), 'stragglers.factor': 30 }),
  liars: (r) => ({ 'liars.share': between(r, 0.05, 0.6) }),
  accusers: (r) => ({ 'accusers.share': between(r, 0.05, 0.6) }),
  withholders: (r) => ({ 'withholders.share': between(r, 0.05, 0.6) }),
  sybils: (r) => ({ 'sybils.share': between(r, 0.1, 0.6), 'sybils.lifeMs': between(r, 2e3, 3e4) }),
  attack: (r) => ({ 'attack.kind': whole(r, 1, ATTACKS.length - 1) }),
  'short deadlines': (r) => ({ 'requests.deadlineMs': between(r, 60, 2_000) }),
  'many layers wanted': (r) => ({ 'requests.minLayers': whole(r, 2, 4) }),
  rush: () => ({ 'requests.perMinute': 6_000 }),
  'large tensors': (r) => ({
    'model.tokens': 130,
    'model.width': 136,
    'model.layerMs': between(r, 1, 60),
  }),
  'tensors in messages': () => ({ 'policy.inlineBytes': INLINE_BYTES_MAX }),
  // More providers than a lane takes, so that some move while they are asked.
  'small lanes': (r) => ({ 'lanes.peers': whole(r, 3, 8), 'peers.count': whole(r, 8, 24) }),
  // As long as it takes lanes to merge and to be mended.
  'long run': (r) => ({ 'requests.perMinute': between(r, 5, 12), 'requests.count': 10 }),
  'few slots': () => ({ 'peers.slots': 1 }),
  'sparse mesh': (r) => ({ 'gossip.connections': whole(r, 2, 5), 'gossip.mesh': whole(r, 1, 3) }),
}

/** Small worlds find more than large ones: more of them fit into a second. */
function drawWorld(random: SeededRandom): { set: Record<string, number>; faults: string[] } {
  const layers = whole(random, 1, 6)
  const set: Record<string, number> = {
    'churn.scaleMs': 0,
    'model.layers': layers,
    'model.tokens': 5,
    'model.width': 16,
    'peers.count': whole(random, 2, 12),
    'peers.capacity': whole(random, 1, layers),
    'requests.count': whole(random, 1, 10),
    'requests.perMinute': between(random, 30, 600),
    'requests.deadlineMs': between(random, 2_000, 10_000),
    'requests.warmupMs': 4_000,
    'links.loss': 0,
    'policy.inlineBytes': random.chance(0.5) ? INLINE_BYTES_MAX : 64,
  }
  // A random subset: faults that would hide each other are often apart (swarm testing, Groce 2012).
  const faults = Object.keys(FAULTS).filter(() => random.chance(0.15))
  for (const name of faults) Object.assign(set, (FAULTS[name] as Draw)(random))
  if ((set['requests.minLayers'] ?? 1) > layers) set['requests.minLayers'] = layers
  return { set, faults }
}

const BASE = 'calm'

/** In every second world requests are asked in rounds, or whichever way is quicker. */
const DRAWN_POLICIES = ['any-order', 'any-order', 'rounds', 'auto'] as const

/** The world of one run. */
export function fuzzWorld(seed: number, run: number) {
  const random = SeededRandom.stream(seed, 'fuzz', run)
  const policies = SeededRandom.stream(seed, 'fuzz-policy', run)
  const policy = DRAWN_POLICIES[policies.below(DRAWN_POLICIES.length)] ?? DRAWN_POLICIES[0]
  return { policy, seed: random.below(2 ** 32), ...drawWorld(random) }
}

/** Draws `runs` worlds, checks every promise in each, and makes what broke one as small as possible. */
export function fuzz(runs: number, options: FuzzOptions = {}): FuzzReport {
  const { seed = 1, onProgress } = options
  const faults: Record<string, number> = {}
  const failures: FuzzFailure[] = []
  const drawn = new Set<SettingName>()
  let requests = 0
  let answered = 0
  let checks = 0
  const policies: Record<string, number> = {}
  const after = (worlds: number): FuzzReport => ({
    protocol: protocolDrawn(drawn),
    runs: worlds,
    seed,
    requests,
    answered,
    checks,
    policies: { ...policies },
    faults: { ...faults },
    failures: [...failures],
  })
  for (let run = 0; run < runs; run++) {
    const world = fuzzWorld(seed, run)
    for (const name of world.faults) faults[name] = (faults[name] ?? 0) + 1
    policies[world.policy] = (policies[world.policy] ?? 0) + 1
    const settings = scenarioSettings(BASE, world.set)
    for (const name of protocolChanges(settings)) drawn.add(name)
    const stage = runPolicy(settings, world.seed, world.policy)
    requests += stage.records.length
    answered += stage.records.filter(({ outcome }) => outcome === 'answered').length
    checks += stage.referee.checks
    const [violation] = stage.referee.violations
    if (violation !== undefined) failures.push(shrink(run, world, violation))
    onProgress?.(after(run + 1), runs)
  }
  return after(runs)
}

function protocolDrawn(drawn: ReadonlySet<SettingName>): string {
  if (drawn.size === 0) return PRODUCTION
  return `${PRODUCTION}, but some worlds draw ${[...drawn].toSorted().join(', ')}`
}

/** Makes a world that broke a promise as small as possible while the same promise stays broken. */
function shrink(
  run: number,
  { seed, policy, set: found }: ReturnType<typeof fuzzWorld>,
  violation: Violation,
): FuzzFailure {
  let broken = violation
  const set = smallest(found, (changed) => {
    const settings: Settings = changeSettings(scenarioSettings(BASE), changed)
    const again = runPolicy(settings, seed, policy).referee.violations.find(
      ({ invariant }) => invariant === violation.invariant,
    )
    broken = again ?? broken
    return again !== undefined
  })
  const replay = replayLine(BASE, seed, { policy, set })
  return { run, seed, violation: broken, set, replay }
}

/** What makes a world large; made smaller, and never left to a default that is larger. */
const SIZES: ReadonlySet<string> = new Set([
  'requests.count',
  'peers.count',
  'model.layers',
  'model.tokens',
  'model.width',
  'requests.warmupMs',
])

/**
 * Takes settings away one by one, then requests, peers and layers by halves and by ones, for as long
 * as `isBroken` says that what is left is still broken.
 */
export function smallest(
  found: Readonly<Record<string, number>>,
  isBroken: (set: Readonly<Record<string, number>>) => boolean,
): Record<string, number> {
  let set: Record<string, number> = { ...found }
  for (const name of Object.keys(found)) {
    if (SIZES.has(name)) continue
    const { [name]: _, ...without } = set
    if (isBroken(without)) set = without
  }
  for (const name of ['requests.count', 'peers.count', 'model.layers']) {
    set = fewer(set, name, (value) => Math.floor(value / 2), isBroken)
    set = fewer(set, name, (value) => value - 1, isBroken)
  }
  return set
}

function fewer(
  found: Record<string, number>,
  name: string,
  less: (value: number) => number,
  isBroken: (set: Readonly<Record<string, number>>) => boolean,
): Record<string, number> {
  let set = found
  for (let value = set[name]; value !== undefined && value > 1; value = set[name]) {
    const smaller = { ...set, [name]: less(value) }
    if (!isBroken(smaller)) break
    set = smaller
  }
  return set
}
