import { chosenTargets } from './chosen.ts'
import { readCorpus } from './corpus.ts'
import { createFindings } from './findings.ts'
import { PROGRESS_MS } from './limits.ts'
import { checkProperties } from './properties.ts'
import { Finding, shareOf } from './target.ts'

/** What the long form of the property tests is told. */
export interface PropertiesRun {
  /** Of all decoders together. */
  readonly cases: number
  readonly seed: number
  readonly targets: readonly string[]
  readonly findings: string
  /** The corpus of the repository. */
  readonly kept: string
  say(line: string): void
}

/** Tries the properties of all decoders. @returns how many do not hold. */
export async function runProperties(run: PropertiesRun): Promise<number> {
  const { say } = run
  const targets = chosenTargets(run.targets)
  const corpus = readCorpus(run.kept)
  const findings = createFindings({ folder: run.findings, say })
  const shares = targets.reduce((sum, target) => sum + shareOf(target), 0)
  const startMs = performance.now()
  const startRss = mebibytes(process.memoryUsage().rss)
  let tried = 0
  let saidMs = startMs
  for (const target of targets) {
    const cases = Math.ceil((run.cases * shareOf(target)) / shares)
    try {
      const more = corpus.get(target.name) ?? []
      await checkProperties(target, { cases, seed: run.seed, corpus: more })
    } catch (error) {
      if (!(error instanceof Finding)) throw error
      await findings.add(target, error)
    }
    tried += cases
    const nowMs = performance.now()
    if (nowMs - saidMs < PROGRESS_MS) continue
    saidMs = nowMs
    say(`${tried} cases in ${seconds(nowMs - startMs)} s, up to ${target.name}`)
  }
  const rss = mebibytes(process.memoryUsage().rss)
  const took = seconds(performance.now() - startMs)
  say(
    `${tried} cases of ${targets.length} decoders in ${took} s, ${findings.count} findings, ${rss} MiB (${startRss} at the start)`,
  )
  return findings.count
}

const seconds = (ms: number) => (ms / 1000).toFixed(1)
const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)
