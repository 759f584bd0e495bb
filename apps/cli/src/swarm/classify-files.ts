import { oneLine, type Tensor } from '@layerswarm/model'
import { describeError } from '../cli-error.ts'
import { BAR_COLUMNS, BARS_MAX } from '../limits.ts'
import type { Table } from '../line/table.ts'
import { unlessAborted } from '../until-aborted.ts'
import { type Asker, type Asking, ask, overheard, type Verdict } from './ask.ts'
import { checkedLines } from './check-book.ts'
import { confirmedLine } from './confirmed-line.ts'
import { mixedLine } from './mixed-line.ts'
import { NOVEL_LINE } from './novel-line.ts'
import { notAsked, Patience } from './patience.ts'
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
 * others nothing. Where nobody hosts anything any more the rest is not asked about.
 * @throws what went wrong when there is only one file, and the signal's reason before anything came of any.
 */
export async function classifyFiles(
  asker: Asker,
  paths: readonly string[],
  options: ClassifyFilesOptions,
): Promise<ClassifiedFiles> {
  const { signal, doing, progress, log } = options
  const answers: ClassifiedFile[] = []
  const failed: ClassifiedFiles['failed'][number][] = []
  const heard = overheard(asker, (layers) =>
    progress(`${layers} ${layers === 1 ? 'layer has' : 'layers have'} run`),
  )
  const patience = new Patience()
  for (const [at, path] of paths.entries()) {
    if (signal.aborted || patience.isOver(performance.now())) break
    doing(askingLine(oneLine(path), at, paths.length))
    try {
      const answer = await classifyFile(heard, path, options)
      answers.push(answer)
      patience.answered()
      showVerdict(answer, asker.manifest.labels, options)
    } catch (error) {
      if (paths.length === 1) throw error
      if (signal.aborted) break
      patience.failed(error, performance.now())
      failed.push({ image: path, error: describeError(error) })
      log(failureLine(path, error))
    }
  }
  const begun = answers.length + failed.length
  if (begun === 0) signal.throwIfAborted()
  const left = signal.aborted ? [] : paths.slice(begun)
  return { answers, failed: [...failed, ...leftOut(left, log)] }
}

function askingLine(path: string, at: number, of: number): string {
  return of === 1 ? `asking about ${path}` : `${at + 1} of ${of}, ${path}`
}

async function classifyFile(
  asker: Asker,
  path: string,
  { read, asking, signal }: Pick<ClassifyFilesOptions, 'read' | 'asking' | 'signal'>,
): Promise<ClassifiedFile> {
  const image = await unlessAborted(read(path), signal)
  const tensors = countTensors(asker)
  const verdict = await unlessAborted(ask(asker, image, asking), signal)
  return { image: path, ...verdict, bytes: byRole(tensors(1), executorsOf(verdict)) }
}

/** What becomes of those that are not asked about any more. */
function leftOut(
  paths: readonly string[],
  log: ClassifyFilesOptions['log'],
): ClassifiedFiles['failed'] {
  const error = describeError(notAsked())
  if (paths.length > 0) log(`${paths.length} more: ${error.message}`)
  return paths.map((image) => ({ image, error }))
}

function failureLine(path: string, error: unknown): string {
  const { message } = describeError(error)
  const name = oneLine(path)
  return message.includes(name) ? message : `${name}: ${message}`
}

function showVerdict(
  answer: ClassifiedFile,
  labels: readonly string[],
  { asking, print, table }: Pick<ClassifyFilesOptions, 'asking' | 'print' | 'table'>,
): void {
  const { image, label, confidence, totalMs, hops, missingLayers, confirmed, novel, bytes } = answer
  const way = roundsLine(answer.rounds, bytes) ?? noRoundsLine(asking.policy)
  const mixed = mixedLine(hops)
  print(`${oneLine(image)}: ${label}, ${(100 * confidence).toFixed(1)} %, ${totalMs.toFixed(0)} ms`)
  if (novel === true) print(`  ${NOVEL_LINE}`)
  table({ indent: '  ', head: ['', '', ''], rows: bars(answer.probabilities, labels) })
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
    ...checkedLines(answer),
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
