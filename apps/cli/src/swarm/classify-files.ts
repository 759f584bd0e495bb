import type { Tensor } from '@layerswarm/model'
import { describeError } from '../cli-error.ts'
import { BAR_COLUMNS, BARS_MAX } from '../limits.ts'
import type { Table } from '../line/table.ts'
import { unlessAborted } from '../until-aborted.ts'
import { type Asker, type Asking, ask, overheard, type Verdict } from './ask.ts'
import { checkedLines } from './check-book.ts'
import { confirmedLine } from './confirmed-line.ts'
import { mixedLine } from './mixed-line.ts'
import { NOVEL_LINE } from './novel-line.ts'
import {
  byRole,
  countTensors,
  executorsOf,
  noRoundsLine,
  type RoleBytes,
  roundsLine,
} from './rounds-report.ts'

/** How files are read and asked about. */
export interface ClassifyFilesOptions {
  /** Makes the stem's input of a file. @throws an error of one line when it cannot. */
  read(path: string): Promise<Tensor>
  readonly asking: Asking
  readonly signal: AbortSignal
  /** A line of an answer. */
  print(line: string): void
  table(table: Table): void
  /** A line about a file without an answer. */
  log(line: string): void
  /** What is waited for. */
  doing(text: string): void
  progress(text: string): void
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
  { read, asking, signal, doing, progress, log, ...result }: ClassifyFilesOptions,
): Promise<ClassifiedFiles> {
  const answers: ClassifiedFiles['answers'][number][] = []
  const failed: ClassifiedFiles['failed'][number][] = []
  const heard = overheard(asker, (layers) =>
    progress(`${layers} ${layers === 1 ? 'layer has' : 'layers have'} run`),
  )
  for (const [at, path] of paths.entries()) {
    if (signal.aborted) break
    doing(paths.length === 1 ? `asking about ${path}` : `${at + 1} of ${paths.length}, ${path}`)
    try {
      const image = await unlessAborted(read(path), signal)
      const tensors = countTensors(asker)
      const verdict = await unlessAborted(ask(heard, image, asking), signal)
      const bytes = byRole(tensors(1), executorsOf(verdict))
      answers.push({ image: path, ...verdict, bytes })
      showVerdict(path, verdict, asker.manifest.labels, { bytes, asking, ...result })
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

type Outputs = Pick<ClassifyFilesOptions, 'asking' | 'print' | 'table'>

function showVerdict(
  path: string,
  verdict: Verdict,
  labels: readonly string[],
  { asking, print, table, bytes }: Outputs & Pick<ClassifiedFile, 'bytes'>,
): void {
  const { label, confidence, totalMs, hops, missingLayers, confirmed, novel } = verdict
  const way = roundsLine(verdict.rounds, bytes) ?? noRoundsLine(asking.policy)
  const mixed = mixedLine(hops)
  print(`${path}: ${label}, ${(100 * confidence).toFixed(1)} %, ${totalMs.toFixed(0)} ms`)
  if (novel === true) print(`  ${NOVEL_LINE}`)
  table({ indent: '  ', head: ['', '', ''], rows: bars(verdict.probabilities, labels) })
  if (hops.length > 0)
    table({
      indent: '  ',
      head: ['layer', 'on', 'with', 'ms'],
      rows: hops.map(({ layer, peer, backend, ms }) => [
        String(layer),
        peer.slice(-6),
        backend,
        ms.toFixed(1),
      ]),
    })
  for (const line of [
    ...(way === undefined ? [] : [way]),
    ...(confirmed === undefined ? [] : [confirmedLine(confirmed)]),
    ...(mixed === undefined ? [] : [mixed]),
    ...(missingLayers.length > 0 ? [`without layers ${missingLayers.join(', ')}`] : []),
    ...checkedLines(verdict),
  ])
    print(`  ${line}`)
}

/** The most likely classes, each with a bar. */
function bars(probabilities: readonly number[], labels: readonly string[]): string[][] {
  return probabilities
    .map((share, index) => ({ share, label: labels[index] ?? `class ${index}` }))
    .toSorted((a, b) => b.share - a.share)
    .slice(0, BARS_MAX)
    .map(({ share, label }) => [
      label,
      `${(100 * share).toFixed(1)} %`,
      '█'.repeat(Math.round(share * BAR_COLUMNS)),
    ])
}
