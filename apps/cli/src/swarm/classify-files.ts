import type { Tensor } from '@layerswarm/model'
import { describeError } from '../cli-error.ts'
import { unlessAborted } from '../until-aborted.ts'
import { type Asker, type Asking, ask, type Verdict } from './ask.ts'
import { checkedLines } from './check-book.ts'
import { confirmedLine } from './confirmed-line.ts'
import { NOVEL_LINE } from './novel-line.ts'
import { byRole, countTensors, executorsOf, type RoleBytes, roundsLine } from './rounds-report.ts'

/** How files are read and asked about. */
export interface ClassifyFilesOptions {
  /** Makes the stem's input of a file. @throws an error of one line when it cannot. */
  read(path: string): Promise<Tensor>
  readonly asking: Asking
  readonly signal: AbortSignal
  /** A line of an answer. */
  print(line: string): void
  /** A line about a file without an answer. */
  log(line: string): void
}

/** The answer about a file. */
export interface ClassifiedFile extends Verdict {
  readonly image: string
  readonly bytes: RoleBytes
}

/** What became of every file until the signal. */
export interface ClassifiedFiles {
  readonly answers: readonly ClassifiedFile[]
  readonly failed: readonly {
    readonly image: string
    readonly error: { readonly code: string; readonly message: string }
  }[]
}

/**
 * Asks about one file after the other; one that cannot be read, or that nobody answers, costs the
 * others nothing.
 * @throws what went wrong when there is only one file.
 */
export async function classifyFiles(
  asker: Asker,
  paths: readonly string[],
  { read, asking, signal, print, log }: ClassifyFilesOptions,
): Promise<ClassifiedFiles> {
  const answers: ClassifiedFiles['answers'][number][] = []
  const failed: ClassifiedFiles['failed'][number][] = []
  for (const path of paths) {
    if (signal.aborted) break
    try {
      const image = await unlessAborted(read(path), signal)
      const tensors = countTensors(asker)
      const verdict = await unlessAborted(ask(asker, image, asking), signal)
      const bytes = byRole(tensors(1), executorsOf(verdict))
      answers.push({ image: path, ...verdict, bytes })
      for (const line of verdictLines(path, verdict, bytes)) print(line)
    } catch (error) {
      if (paths.length === 1) throw error
      if (signal.aborted) break
      failed.push({ image: path, error: describeError(error) })
      log(failureLine(path, error))
    }
  }
  return { answers, failed }
}

function failureLine(path: string, error: unknown): string {
  const { message } = describeError(error)
  return message.includes(path) ? message : `${path}: ${message}`
}

function verdictLines(path: string, verdict: Verdict, bytes: RoleBytes): string[] {
  const { label, confidence, totalMs, hops, missingLayers, confirmed, novel } = verdict
  const inRounds = roundsLine(verdict.rounds, bytes)
  return [
    `${path}: ${label}, ${(100 * confidence).toFixed(1)} %, ${totalMs.toFixed(0)} ms`,
    ...(novel === true ? [`  ${NOVEL_LINE}`] : []),
    ...hops.map(
      ({ layer, peer, backend, ms }) =>
        `  layer ${layer} on ${peer.slice(-6)} (${backend}), ${ms.toFixed(1)} ms`,
    ),
    ...(inRounds === undefined ? [] : [`  ${inRounds}`]),
    ...(confirmed === undefined ? [] : [`  ${confirmedLine(confirmed)}`]),
    ...(missingLayers.length > 0 ? [`  without layers ${missingLayers.join(', ')}`] : []),
    ...checkedLines(verdict).map((line) => `  ${line}`),
  ]
}
