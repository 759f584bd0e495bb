import type { ChurnReport, FuzzReport, SimulationReport } from '@layerswarm/lab'
import { CliError, usageError } from '../cli-error.ts'
import { SIMULATION_SEED_MAX } from '../limits.ts'
import { type CommandContext, defineCommand } from '../line/command.ts'
import { bare, count, text } from '../line/option.ts'
import type { Curve } from '../line/screen.ts'
import {
  hostedLayers,
  nameList,
  percentages,
  seedList,
  settingChanges,
} from '../line/simulation-options.ts'
import type { CompareRun } from '../simulation/run-compare.ts'
import type { LoadRun } from '../simulation/run-load.ts'
import type { ScenarioRun } from '../simulation/run-scenario.ts'

/** Runs `harsh` at one rate of leaving after another; not a scenario of its own. */
const CHURN = 'churn'

/** Runs every scenario with every policy; not a scenario of its own. */
const COMPARE = 'compare'

/** Finds the load at which answers take twice as long; not a scenario of its own. */
const LOAD = 'load'

/** `layerswarm simulate`. The swarm in virtual time. */
export const simulate = defineCommand({
  name: 'simulate',
  summary: 'run the swarm in virtual time, under churn, stragglers and liars',
  begins: 'simulating',
  usage: [
    'SCENARIO [--peers N] [--requests N] [--seed S] [--policy NAME] [--hosted 0,1/2,3] [--set a.b=c]… [--report DIR]',
    'churn [--rates 2,10,39] [--peers N] [--requests N] [--seed S] [--report DIR]',
    'compare [--peers N] [--requests N] [--seeds 1,2,3] [--scenarios a,b] [--policies a,b] [--set a.b=c]… [--report DIR]',
    'load [--peers N] [--requests N] [--seed S] [--scenarios a,b] [--report DIR]',
    '--fuzz N [--seed S]',
  ],
  positionals: {
    min: 0,
    max: 1,
    placeholder: 'one SCENARIO',
    choices: async () => {
      const { SCENARIO_NAMES } = await import('@layerswarm/lab')
      return [...SCENARIO_NAMES, CHURN, COMPARE, LOAD]
    },
  },
  options: {
    peers: count("providers (the scenario's own number)", {
      low: 1,
      high: 20_000,
      otherwise: undefined,
    }),
    requests: count("requests (the scenario's own number); for load the fewest of a run (200)", {
      low: 1,
      high: 1_000_000,
      otherwise: undefined,
    }),
    seed: count('what repeats a run event by event (1)', {
      low: 0,
      high: SIMULATION_SEED_MAX,
      otherwise: undefined,
    }),
    seeds: seedList('for compare: the seeds, one table row for each (that of --seed)'),
    scenarios: nameList(
      'the scenarios of compare (harsh,calm,tabs,stragglers20,mass-leave,vitb-home,sybils50) or load (calm,vitb-home)',
    ),
    policies: nameList('for compare: these policies instead of the usual ones, or all'),
    policy: text('NAME', 'one policy instead of the usual ones, or all'),
    hosted: hostedLayers('the layers of each provider of the start, which it keeps (the rarest)'),
    set: settingChanges('change any setting of the scenario'),
    rates: percentages(
      'for churn: percentages of all peers that leave per minute (2,10,20,39,60,80)',
    ),
    small: text('DIR', 'a model that fits on one peer, for its accuracy (the shipped one)'),
    report: text(
      'DIR',
      'write report.json and report.md, also report.html (not for load) and churn.svg (for churn)',
    ),
    fuzz: count('random worlds to search for a broken promise, instead of a scenario', {
      low: 1,
      high: 10_000_000,
      otherwise: undefined,
    }),
    'no-accuracy': bare('do not run the routes through the shipped model'),
  },
  examples: [
    'simulate harsh --peers 200 --requests 10000 --seed 1 --report runs/harsh',
    'simulate tabs --set links.loss=0.05 --policy any-order --json',
    'simulate churn --peers 100 --requests 600 --report runs/churn',
    'simulate compare --peers 100 --requests 1000 --seeds 1,2,3 --report runs/compare',
    'simulate load --peers 100 --scenarios calm --report runs/load',
    'simulate --fuzz 1000',
  ],
  async run({
    positionals: [scenario],
    values,
    signal,
    print,
    markdown,
    plot,
    log,
    doing,
    progress,
    emit,
  }) {
    const { peers, requests, seed = 1, policy, small, rates: given, report: folder } = values
    const { policies, hosted: placed, set } = values
    const outputs = { print, markdown, emit }
    const forCompare = { seeds: values.seeds, scenarios: values.scenarios, policies }
    if (values.fuzz !== undefined) {
      if (scenario !== undefined)
        throw usageError('simulate takes a SCENARIO or --fuzz N, not both')
      const forScenario = {
        peers,
        requests,
        policy,
        hosted: placed,
        small,
        rates: given,
        report: folder,
      }
      refuse('--fuzz', { ...forScenario, ...forCompare, set })
      return searchWorlds(values.fuzz, seed, { print, emit }, { progress, signal })
    }
    const { SCENARIO_NAMES } = await import('@layerswarm/lab')
    if (scenario === undefined)
      throw usageError(
        `simulate needs a SCENARIO: ${SCENARIO_NAMES.join(', ')}, ${CHURN}, ${COMPARE} or ${LOAD}`,
      )
    if (given !== undefined && scenario !== CHURN)
      throw usageError(`--rates is for simulate ${CHURN}, not for ${scenario}`)
    refuseTwice({ ...values, set: { ...set } })
    if (folder !== undefined) {
      const { refuseTaken } = await import('../release/taken-folder.ts')
      await refuseTaken(folder, '--report')
    }
    const sizes = withoutUndefined({ peers, requests })
    const watch = { scored: !values['no-accuracy'], small, folder, signal, log, doing, progress }
    if (scenario === COMPARE) {
      refuse(`simulate ${COMPARE}`, { policy, hosted: placed })
      const options = { ...sizes, seeds: [seed], ...withoutUndefined({ ...forCompare, set }) }
      return compareAll({ ...watch, options }, { ...outputs, log })
    }
    if (scenario === LOAD) {
      refuse(`simulate ${LOAD}`, { policy, hosted: placed, small, set })
      refuse(`simulate ${LOAD}`, { seeds: values.seeds, policies }, `simulate ${COMPARE}`)
      const options = { ...sizes, seed, ...withoutUndefined({ scenarios: values.scenarios }) }
      return findLoads({ options, folder, signal, progress }, outputs)
    }
    refuse(scenario, { seeds: values.seeds, policies }, `simulate ${COMPARE}`)
    refuse(scenario, { scenarios: values.scenarios }, `simulate ${COMPARE} and ${LOAD}`)
    const options = {
      ...sizes,
      ...withoutUndefined({ policy, hosted: placed, set }),
      seed,
    }
    const run = { ...watch, options }
    if (scenario === CHURN) await sweepChurn(given, run, { ...outputs, plot })
    else await playScenario(scenario, run, outputs)
  },
})

/** Without those that are undefined. */
function withoutUndefined<T extends Readonly<Record<string, unknown>>>(options: T): Given<T> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Given<T>
}
type Given<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> }

/** Options that were given where they mean nothing. @throws CliError `bad-usage` naming the first. */
function refuse(
  what: string,
  options: Readonly<Record<string, unknown>>,
  where = 'a SCENARIO',
): void {
  const name = Object.keys(options).find((flag) => options[flag] !== undefined)
  if (name !== undefined) throw usageError(`--${name} is for ${where}, not for ${what}`)
}

/** Two flags that say the same. @throws CliError `bad-usage` naming both. */
function refuseTwice(values: {
  readonly peers: unknown
  readonly requests: unknown
  readonly seed: unknown
  readonly seeds: unknown
  readonly set: Readonly<Record<string, string>>
}): void {
  const { peers, requests, seed, seeds, set } = values
  const pairs = {
    '--peers and --set peers.count': [peers, set['peers.count']],
    '--requests and --set requests.count': [requests, set['requests.count']],
    '--seed and --seeds': [seed, seeds],
  }
  for (const [flags, given] of Object.entries(pairs))
    if (!given.includes(undefined)) throw usageError(`${flags} say the same: give one of them`)
}

type Outputs = Pick<CommandContext, 'print' | 'markdown' | 'emit'>

async function searchWorlds(
  runs: number,
  seed: number,
  { print, emit }: Pick<CommandContext, 'print' | 'emit'>,
  watch: Pick<CommandContext, 'progress' | 'signal'>,
): Promise<void> {
  const { runSimulation } = await import('../simulation/simulation-thread.ts')
  const report = await runSimulation({ kind: 'fuzz', runs, options: { seed } }, watch)
  if (report.runs < runs) print(`interrupted after ${report.runs} of ${runs} worlds`)
  for (const line of fuzzLines(report)) print(line)
  emit({ ...report })
  if (report.failures.length > 0)
    throw brokenPromises(report.failures.length, report.failures[0]?.replay)
}

async function playScenario(
  scenario: string,
  run: ScenarioRun,
  { print, markdown, emit }: Outputs,
): Promise<void> {
  const { runScenario } = await import('../simulation/run-scenario.ts')
  const { report, markdown: text } = await runScenario(scenario, run)
  markdown(text)
  if (run.folder !== undefined)
    print(`report in ${run.folder}: report.html, report.md, report.json`)
  emit(withoutBulk(report))
  if (report.broken > 0) throw brokenPromises(report.broken, report.replay)
}

async function compareAll(
  run: CompareRun,
  { print, markdown, log, emit }: Outputs & Pick<CommandContext, 'log'>,
): Promise<void> {
  const { runCompare } = await import('../simulation/run-compare.ts')
  const { report, markdown: text } = await runCompare(run)
  markdown(text)
  if (run.folder !== undefined)
    print(`report in ${run.folder}: report.html, report.md, report.json`)
  emit({ ...report })
  const { rows, wanted, broken } = report
  if (rows.length < wanted) log(`stopped after ${rows.length} of ${wanted} runs`)
  const first = rows.find((row) => row.broken > 0)
  if (first !== undefined) throw brokenPromises(broken, first.replay)
}

async function findLoads(run: LoadRun, { print, markdown, emit }: Outputs): Promise<void> {
  const { runLoad } = await import('../simulation/run-load.ts')
  const { report, markdown: text } = await runLoad(run)
  markdown(text)
  if (run.folder !== undefined) print(`report in ${run.folder}: report.md, report.json`)
  emit({ ...report })
  const points = report.rows.flatMap(({ light, points: tried }) => [light, ...tried])
  const first = points.find((point) => point.broken > 0)
  if (first !== undefined) throw brokenPromises(report.broken, first.replay)
}

async function sweepChurn(
  given: readonly number[] | undefined,
  run: ScenarioRun,
  { print, markdown, plot, emit }: Outputs & Pick<CommandContext, 'plot'>,
): Promise<void> {
  const { runChurn } = await import('../simulation/run-scenario.ts')
  const { churn, markdown: text } = await runChurn(run, given)
  markdown(text)
  for (const curve of curvesOf(churn)) plot(curve)
  if (run.folder !== undefined)
    print(`report in ${run.folder}: churn.svg, report.html, report.md, report.json`)
  emit(churnDocument(churn))
  const broken = churn.points.map(({ report }) => report).find((report) => report.broken > 0)
  if (broken !== undefined) throw brokenPromises(broken.broken, broken.replay)
}

/** What is answered, and of that what is right where it was scored, of 1, over the rate of leaving. */
function curvesOf({ points }: ChurnReport): Curve[] {
  const names = Object.keys(
    points[0]?.report.policies ?? {},
  ) as (keyof SimulationReport['policies'])[]
  const isScored = points.every(({ report }) =>
    Object.values(report.policies).every(({ accuracy }) => accuracy !== null),
  )
  return names.map((name) => ({
    name,
    about: `${isScored ? 'answered correctly' : 'answered'}, the more leave per minute`,
    points: points.map(({ leavingPerMinute, report }) => {
      const { answeredShare = 0, accuracy = null } = report.policies[name] ?? {}
      return [leavingPerMinute, answeredShare * (accuracy ?? 1)] as const
    }),
    low: 0,
    high: 1,
    format: (share) => `${(100 * share).toFixed(0)} %`,
  }))
}

function churnDocument({ protocol, points, replay }: ChurnReport): Record<string, unknown> {
  return {
    protocol,
    scenario: CHURN,
    points: points.map(({ leavingPerMinute, report }) => ({
      leavingPerMinute,
      ...withoutBulk(report),
    })),
    replay,
  }
}

/** What a program reads on stdout; routes and films are in the report's files. */
function withoutBulk(report: SimulationReport): Record<string, unknown> {
  const policies = Object.fromEntries(
    Object.entries(report.policies).map(
      ([name, { routes: _routes, rounds: _rounds, film: _film, ...figures }]) => [name, figures],
    ),
  )
  return { ...report, policies }
}

function fuzzLines({
  protocol,
  runs,
  seed,
  requests,
  answered,
  checks,
  failures,
}: FuzzReport): string[] {
  return [
    `Protocol: ${protocol}.`,
    `${runs} worlds from seed ${seed}: ${requests} requests, ${answered} answered, ${checks} checks, ${failures.length} worlds broke a promise`,
    ...failures.map(({ violation, replay }) => `${JSON.stringify(violation)}; replay: ${replay}`),
  ]
}

function brokenPromises(count: number, replay = ''): CliError {
  return new CliError(
    { code: 'refused', what: 'simulation' },
    `${count} broken promise${count === 1 ? '' : 's'}; replay ${count === 1 ? 'it' : 'the first'} with: ${replay}`,
  )
}
