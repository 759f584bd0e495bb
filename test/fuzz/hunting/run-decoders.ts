import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chosenTargets } from '../chosen.ts'
import { growingCorpus, readCorpus, writeCorpus } from '../corpus.ts'
import { createFindings, type Findings } from '../findings.ts'
import { PROGRESS_MS, TURN_EXECUTIONS, WATCHED_BYTES_MAX } from '../limits.ts'
import { shareOf, type Target } from '../target.ts'
import { countersHere } from './counters.ts'
import { Hunt } from './hunt.ts'

/** What a run of the coverage-guided fuzzer is told. */
export interface DecodersRun {
  /** Of all decoders together. */
  readonly executions: number
  /** It ends sooner after this; undefined for never. */
  readonly seconds: number | undefined
  readonly seed: number
  readonly targets: readonly string[]
  /** A folder in which inputs grow, and in which the next run goes on; undefined for none. */
  readonly corpus: string | undefined
  readonly findings: string
  /** The corpus of the repository; with `keep` it is written anew. */
  readonly kept: string
  readonly keep: boolean
  /** The decoder's index, the length of its input, its bytes, and a count that grows with every input. */
  readonly watch: SharedArrayBuffer
  say(line: string): void
}

/** Searches all decoders in turns. @returns how many kinds of findings there are. */
export async function runDecoders(run: DecodersRun): Promise<number> {
  const { say } = run
  const targets = chosenTargets(run.targets)
  const findings = createFindings({ folder: run.findings, say })
  const state = readState(run.corpus)
  const hunts = huntsOf(run, targets, findings)
  say(
    `${targets.length} decoders, ${countersHere().counts.length} places, seed ${run.seed}, turn ${state.turn}`,
  )
  for (const hunt of hunts) await hunt.begin()
  const progress = createProgress(run, hunts, findings)
  const shares = targets.reduce((sum, target) => sum + shareOf(target), 0)
  // A short run gets to all of them, too.
  const turn = Math.min(TURN_EXECUTIONS, run.executions / shares)
  while (!progress.isOver()) {
    for (const hunt of hunts) {
      if (progress.isOver()) break
      const executions = Math.min(turn * shareOf(hunt.target), progress.left())
      await hunt.turn(Math.ceil(executions), run.seed, state.turn)
      progress.sayNowAndThen()
    }
    state.turn++
    writeState(run.corpus, state)
  }
  say(progress.line())
  for (const { target, executions, ms, kept, reached } of hunts) {
    const us = Math.round((1_000 * ms) / executions)
    say(
      `  ${target.name}: ${executions} executions, ${us} µs each, ${kept} inputs, ${reached} places`,
    )
  }
  if (run.keep) await keepEssence(run.kept, hunts)
  return findings.count
}

function huntsOf(run: DecodersRun, targets: readonly Target[], findings: Findings): Hunt[] {
  const kept = readCorpus(run.kept)
  const [watched, bytes] = [new Int32Array(run.watch, 0, 3), new Uint8Array(run.watch, 12)]
  return targets.map(
    (target, index) =>
      new Hunt({
        target,
        counters: countersHere(),
        grown: growingCorpus(run.corpus, target.name),
        kept: kept.get(target.name) ?? [],
        about(input) {
          watched[0] = index
          watched[1] = Math.min(input.length, WATCHED_BYTES_MAX)
          bytes.set(input.subarray(0, WATCHED_BYTES_MAX))
          Atomics.add(watched, 2, 1)
        },
        found: (finding) => findings.add(target, finding),
      }),
  )
}

/** How far a run is. */
function createProgress(run: DecodersRun, hunts: readonly Hunt[], findings: Findings) {
  const startMs = performance.now()
  const startRss = process.memoryUsage().rss
  const lastMs = startMs + (run.seconds ?? Number.POSITIVE_INFINITY) * 1_000
  let saidMs = startMs - PROGRESS_MS + 1_000
  const sum = (count: (hunt: Hunt) => number) => hunts.reduce((all, one) => all + count(one), 0)
  const left = () => run.executions - sum(({ executions }) => executions)
  const line = () => {
    const seconds = (performance.now() - startMs) / 1000
    const executions = run.executions - left()
    return (
      `${executions} executions in ${seconds.toFixed(1)} s (${Math.round(executions / seconds)}/s), ` +
      `${sum(({ kept }) => kept)} inputs, ${sum(({ reached }) => reached)} places, ${findings.count} findings, ` +
      `${mebibytes(process.memoryUsage().rss)} MiB (${mebibytes(startRss)} at the start)`
    )
  }
  return {
    left,
    line,
    isOver: () => left() <= 0 || performance.now() > lastMs,
    sayNowAndThen() {
      if (performance.now() - saidMs < PROGRESS_MS) return
      saidMs = performance.now()
      run.say(line())
    },
  }
}

const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)

interface State {
  turn: number
}

/** Where the run before stopped. */
function readState(corpus: string | undefined): State {
  const path = corpus === undefined ? undefined : join(corpus, 'state.json')
  if (path === undefined || !existsSync(path)) return { turn: 0 }
  return { turn: Number(JSON.parse(readFileSync(path, 'utf8')).turn) || 0 }
}

function writeState(corpus: string | undefined, state: State): void {
  if (corpus === undefined) return
  mkdirSync(corpus, { recursive: true })
  writeFileSync(join(corpus, 'state.json'), `${JSON.stringify(state)}\n`)
}

async function keepEssence(path: string, hunts: readonly Hunt[]): Promise<void> {
  const corpus = new Map(readCorpus(path))
  for (const hunt of hunts) {
    const { name } = hunt.target
    const before = corpus.get(name) ?? []
    const texts = new Set(before.map(String))
    const more = (await hunt.essence()).filter((input) => !texts.has(String(input)))
    corpus.set(name, [...before, ...more])
  }
  writeCorpus(path, corpus)
}
