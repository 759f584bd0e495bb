import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { draw } from '@layerswarm/swarm'
import { PROGRESS_MS } from '../limits.ts'
import { createDice } from '../mutate.ts'
import { type Action, drawActions } from './actions.ts'
import { FEWER_ATTEMPTS_MAX } from './limits.ts'
import { type RunFigures, Stage, type StageOptions } from './stage.ts'

/** A run, complete: the same gives the same. */
export interface MemberTrace extends StageOptions {
  /** Whether it goes on until the longest deadline is over, to see what is left. */
  readonly isLong: boolean
  readonly actions: readonly Action[]
}

/** What broke, in one line. */
export interface MemberFailure {
  readonly kind: string
  readonly stack: string
}

/** The run of this number. */
export function drawTrace(seed: number, run: number): MemberTrace {
  const dice = createDice(draw(seed, 'member', run))
  return {
    seed: dice.below(2 ** 31),
    isLarge: dice.below(2) === 0,
    // Mostly the one that ships.
    policy: dice.one(['direct-few', 'direct-few', 'direct-few', 'direct', 'gossip']),
    isLong: dice.below(6) === 0,
    actions: drawActions(dice),
  }
}

/** Plays a run. @param log told of every action and message. @returns its figures, or what broke. */
export function play(
  { isLong, actions, ...options }: MemberTrace,
  log?: (line: string) => void,
): RunFigures | MemberFailure {
  try {
    const stage = new Stage(options, log)
    for (const action of actions) stage.act(action)
    return stage.end(isLong)
  } catch (error) {
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
    return { kind: message.replace(/\d+/g, 'N'), stack }
  }
}

/** Whether a run broke a promise. */
export function isFailure(outcome: RunFigures | MemberFailure): outcome is MemberFailure {
  return 'kind' in outcome
}

/** The fewest actions with which a run still breaks the same promise. */
export function fewest(trace: MemberTrace, kind: string): MemberTrace {
  let { actions } = trace
  let attempts = 0
  const breaks = (left: readonly Action[]) => {
    attempts++
    const outcome = play({ ...trace, actions: left })
    return isFailure(outcome) && outcome.kind === kind
  }
  for (let size = Math.ceil(actions.length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let at = 0; at < actions.length && attempts < FEWER_ATTEMPTS_MAX; ) {
      const left = actions.toSpliced(at, size)
      if (breaks(left)) actions = left
      else at += size
    }
  }
  return { ...trace, actions }
}

/** What the command is told. */
export interface MemberRun {
  readonly runs: number
  /** The number of the first; later ones go on where an earlier command stopped. */
  readonly first: number
  readonly seed: number
  readonly findings: string
  readonly watch: SharedArrayBuffer
  say(line: string): void
}

/** Plays many runs. @returns how many kinds of failures there are. */
export async function runMember(run: MemberRun): Promise<number> {
  const { runs, first, seed, findings, say } = run
  const watched = new Int32Array(run.watch, 0, 3)
  const kinds = new Set<string>()
  const sums = { answered: 0, failed: 0, heard: 0, actions: 0 }
  const startMs = performance.now()
  const startRss = process.memoryUsage().rss
  let saidMs = startMs - PROGRESS_MS + 1_000
  const line = (done: number) => {
    const ms = performance.now() - startMs
    const rss = Math.round(process.memoryUsage().rss / 2 ** 20)
    return (
      `${done} runs, ${sums.actions} actions, ${sums.heard} messages in ${(ms / 1000).toFixed(1)} s ` +
      `(${Math.round((1_000 * done) / ms)}/s), ${sums.answered} answers, ${sums.failed} errors, ` +
      `${kinds.size} findings, ${rss} MiB (${Math.round(startRss / 2 ** 20)} at the start)`
    )
  }
  for (let number = first; number < first + runs; number++) {
    Atomics.add(watched, 2, 1)
    const trace = drawTrace(seed, number)
    const outcome = play(trace)
    sums.actions += trace.actions.length
    if (isFailure(outcome)) {
      if (!kinds.has(outcome.kind)) tell(trace, outcome, number)
      kinds.add(outcome.kind)
    } else {
      sums.answered += outcome.answered
      sums.failed += outcome.failed
      sums.heard += outcome.heard
    }
    if (performance.now() - saidMs < PROGRESS_MS) continue
    saidMs = performance.now()
    say(line(number - first + 1))
    // Timers and messages of the worker are handled in between.
    await new Promise(setImmediate)
  }
  say(line(runs))
  return kinds.size

  function tell(trace: MemberTrace, { kind, stack }: MemberFailure, number: number): void {
    const small = fewest(trace, kind)
    const name = `member-${seed}-${number}`
    mkdirSync(findings, { recursive: true })
    const told = { kind, stack: stack.split('\n').slice(0, 8), trace: small }
    writeFileSync(join(findings, `${name}.json`), `${JSON.stringify(told, null, 2)}\n`)
    say(`FOUND in run ${number}: ${kind}`)
    for (const action of small.actions) say(`    ${JSON.stringify(action)}`)
    say(`  repeat: node scripts/fuzz.mjs replay ${name} --findings ${findings}`)
  }
}
