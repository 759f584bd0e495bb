import type { FuzzReport, SimulationReport } from '@layerswarm/swarm'
import { CliError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { bare, count, text, texts } from '../option.ts'

const SEED_MAX = 2 ** 32 - 1

export const simulate = defineCommand({
  name: 'simulate',
  summary: 'run the swarm in virtual time, under churn, stragglers and liars',
  usage: [
    'SCENARIO [--peers N] [--requests N] [--seed S] [--policy NAME] [--set a.b=c]… [--report DIR]',
    '--fuzz N [--seed S]',
  ],
  positionals: { min: 0, max: 1, placeholder: 'one SCENARIO' },
  options: {
    peers: count("providers (the scenario's own number)", {
      low: 1,
      high: 20_000,
      otherwise: undefined,
    }),
    requests: count("requests (the scenario's own number)", {
      low: 1,
      high: 1_000_000,
      otherwise: undefined,
    }),
    seed: count('what repeats a run event by event', { low: 0, high: SEED_MAX, otherwise: 1 }),
    policy: text('NAME', 'one policy instead of all'),
    set: texts('a.b=c', 'change any setting of the scenario'),
    report: text('DIR', 'write report.json, report.md and report.html'),
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
    'simulate --fuzz 1000',
  ],
  async run({ positionals: [scenario], values, signal, print, log, emit }) {
    if (values.fuzz !== undefined) {
      if (scenario !== undefined)
        throw usageError('simulate takes a SCENARIO or --fuzz N, not both')
      const { fuzz } = await import('@layerswarm/swarm')
      const report = fuzz(values.fuzz, { seed: values.seed, onProgress: everySecond(log) })
      for (const line of fuzzLines(report)) print(line)
      emit({ ...report })
      if (report.failures.length > 0)
        throw brokenPromises(report.failures.length, report.failures[0]?.replay)
      return
    }
    const swarm = await import('@layerswarm/swarm')
    if (scenario === undefined)
      throw usageError(`simulate needs a SCENARIO: ${swarm.SCENARIO_NAMES.join(', ')}`)
    const { runScenario } = await import('../run-scenario.ts')
    const { peers, requests, seed, policy, report: folder } = values
    const { report, markdown } = await runScenario(scenario, {
      ...(peers === undefined ? {} : { peers }),
      ...(requests === undefined ? {} : { requests }),
      ...(policy === undefined ? {} : { policy }),
      seed,
      set: changes(values.set),
      scored: !values['no-accuracy'],
      folder,
      signal,
      log,
    })
    print(markdown.trimEnd())
    if (folder !== undefined) print(`report in ${folder}: report.html, report.md, report.json`)
    emit({ ...withoutBulk(report) })
    if (report.broken > 0) throw brokenPromises(report.broken, report.replay)
  },
})

/** Every `a.b=c` as a name and a value. */
function changes(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((change) => {
      const at = change.indexOf('=')
      if (at < 1) throw usageError(`--set takes NAME=VALUE, not "${change}"`)
      return [change.slice(0, at), change.slice(at + 1)]
    }),
  )
}

/** What a program reads on stdout; routes and films are in the report's files. */
function withoutBulk(report: SimulationReport): Record<string, unknown> {
  const policies = Object.fromEntries(
    Object.entries(report.policies).map(([name, { routes: _routes, film: _film, ...figures }]) => [
      name,
      figures,
    ]),
  )
  return { ...report, policies }
}

function everySecond(log: (line: string) => void) {
  let saidMs = performance.now()
  return (done: number, of: number, failures: number): void => {
    if (performance.now() - saidMs < 1_000) return
    saidMs = performance.now()
    log(`${done} of ${of} worlds, ${failures} broke a promise`)
  }
}

function fuzzLines({ runs, seed, requests, answered, checks, failures }: FuzzReport): string[] {
  return [
    `${runs} worlds from seed ${seed}: ${requests} requests, ${answered} answered, ${checks} checks, ${failures.length} worlds broke a promise`,
    ...failures.map(({ violation, replay }) => `${JSON.stringify(violation)}; replay: ${replay}`),
  ]
}

function brokenPromises(count: number, replay = ''): CliError {
  return new CliError(
    { code: 'refused', what: 'simulation' },
    `${count} broken promises; replay the first with: ${replay}`,
  )
}
