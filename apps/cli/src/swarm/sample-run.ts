import { grayTensor, groupingText, type Preprocessing } from '@layerswarm/model'
import { CliError, describeError } from '../cli-error.ts'
import { type Samples, sampleAt } from '../images/samples.ts'
import { unlessAborted } from '../until-aborted.ts'
import { type Asker, type Asking, ask, type Confirmed, type Verdict } from './ask.ts'
import { CheckBook } from './check-book.ts'
import { novelLines } from './novel-line.ts'
import { notAsked, Patience } from './patience.ts'
import {
  byRole,
  countTensors,
  executorsOf,
  manyRoundsLine,
  noRoundsLine,
  type RoleBytes,
  type TensorBytes,
  type TensorCounter,
} from './rounds-report.ts'

/** How many samples a swarm is asked, and how. */
export interface SampleRunOptions {
  /** Samples to ask; beyond the size of the pack they repeat. */
  readonly count: number
  /** Samples that are open at the same time. */
  readonly concurrency: number
  readonly asking: Asking
  readonly signal: AbortSignal
  /** How far it is, in words. */
  progress(text: string): void
  /** Called whenever a sample was answered or failed, with the number of those that were. */
  readonly progressed?: (finished: number) => void
}

/** What came of asking many samples. */
export interface SampleReport {
  readonly samples: number
  readonly answered: number
  readonly correct: number
  /** Correct of the answered, 0 … 1. */
  readonly accuracy: number
  /** Answers in which some layer was missing. */
  readonly partial: number
  /** Half of the answers took no longer than this. */
  readonly p50Ms: number
  readonly p95Ms: number
  /** Different orders in which the layers were applied. */
  readonly distinctOrders: number
  /** Answers by the rounds in which they ran, as "4+4"; none for one layer after another. */
  readonly rounds: Readonly<Record<string, number>>
  /** Bytes of tensors for an answer, the mean of all. */
  readonly bytes: RoleBytes
  readonly killed: number
  /** Engines that computed hops. */
  readonly backends: readonly string[]
  readonly hopsByBackend: Readonly<Record<string, number>>
  /** Layers run that were those of other releases than the one that was asked, by the id of that; none where nothing was mixed. */
  readonly hopsByRelease: Readonly<Record<string, number>>
  /** Why samples were not answered, and how many. */
  readonly failures: Readonly<Record<string, number>>
  /** Layers that others have run again with the same result by the end, of all layers, and answers with one that is doubted. */
  readonly checked: { readonly layers: number; readonly of: number; readonly doubted: number }
  /** Of those that were asked twice, how many came out how. */
  readonly confirmed: Readonly<Partial<Record<Confirmed['outcome'], number>>>
  /** Answers that were compared with what the model was trained on, and those that were unlike all of it. */
  readonly judged: number
  readonly novel: number
}

/**
 * Asks many labelled samples and sums up; single failures are counted.
 * @throws the first failure when not a single sample was answered.
 */
export async function runSamples(
  asker: Asker & { readonly manifest: { readonly preprocessing: Preprocessing } },
  samples: Samples,
  options: SampleRunOptions,
): Promise<SampleReport> {
  const { count, concurrency, signal, progress, progressed } = options
  const patience = new Patience()
  const tally = new Tally(count, new CheckBook(asker), asker)
  let next = 0
  async function work(): Promise<void> {
    while (next < count && !signal.aborted && !patience.isOver(performance.now())) {
      const { pixels, label } = sampleAt(samples, next++)
      const image = grayTensor(pixels, asker.manifest.preprocessing)
      try {
        const asked = ask(asker, image, options.asking)
        tally.add(await unlessAborted(asked, signal), label)
        patience.answered()
      } catch (error) {
        // What was open when it was interrupted has not failed.
        if (signal.aborted) return
        patience.failed(error, performance.now())
        tally.fail(error)
      }
      progressed?.(tally.finished)
      progress(`${tally.finished} of ${count} samples, ${tally.answered} answered`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, work))
  if (!signal.aborted) for (; next < count; next++) tally.fail(notAsked())
  if (tally.answered > 0) return tally.report()
  throw tally.firstError ?? new CliError({ code: 'interrupted' }, 'interrupted before any answer')
}

/** What of a verdict its checks are found by. */
interface Given extends Pick<Verdict, 'requests' | 'checked'> {
  /** Of all its requests together. */
  readonly layers: number
}

class Tally {
  answered = 0
  firstError: unknown
  private correct = 0
  private partial = 0
  private judged = 0
  private novel = 0
  private readonly latenciesMs: number[] = []
  private readonly orders = new Set<string>()
  private readonly rounds = new Map<string, number>()
  private inRounds = 0
  private executors = 0
  private readonly backends = new Map<string, number>()
  private readonly releases = new Map<string, number>()
  private readonly failures = new Map<string, number>()
  private readonly confirmed = new Map<Confirmed['outcome'], number>()
  private readonly given: Given[] = []
  private readonly samples: number
  private readonly checks: CheckBook
  private readonly tensors: (answers: number) => TensorBytes

  constructor(samples: number, checks: CheckBook, counter: TensorCounter) {
    this.samples = samples
    this.checks = checks
    this.tensors = countTensors(counter)
  }

  get finished(): number {
    return this.answered + [...this.failures.values()].reduce((sum, number) => sum + number, 0)
  }

  add(verdict: Verdict, label: number): void {
    this.answered++
    if (verdict.class === label) this.correct++
    if (verdict.missingLayers.length > 0) this.partial++
    if (verdict.novel !== undefined) this.judged++
    if (verdict.novel === true) this.novel++
    this.latenciesMs.push(verdict.totalMs)
    for (const order of verdict.orders) this.orders.add(order.join())
    for (const sizes of verdict.rounds)
      if (sizes.length > 0) increment(this.rounds, groupingText(sizes))
    const executors = executorsOf(verdict)
    if (executors > 0) this.inRounds++
    this.executors += executors
    for (const { backend, weights } of verdict.hops) {
      increment(this.backends, backend)
      if (weights !== undefined) increment(this.releases, weights)
    }
    if (verdict.confirmed !== undefined) increment(this.confirmed, verdict.confirmed.outcome)
    const { requests, checked, hops } = verdict
    this.given.push({ requests, checked, layers: hops.length })
  }

  fail(error: unknown): void {
    this.firstError ??= error
    increment(this.failures, describeError(error).code)
  }

  report(): SampleReport {
    const sorted = this.latenciesMs.toSorted((a, b) => a - b)
    return {
      samples: this.samples,
      answered: this.answered,
      correct: this.correct,
      accuracy: this.answered === 0 ? 0 : this.correct / this.answered,
      partial: this.partial,
      p50Ms: quantile(sorted, 0.5),
      p95Ms: quantile(sorted, 0.95),
      distinctOrders: this.orders.size,
      rounds: Object.fromEntries(this.rounds),
      bytes: this.bytes(),
      killed: 0,
      backends: [...this.backends.keys()].toSorted(),
      hopsByBackend: Object.fromEntries(this.backends),
      hopsByRelease: Object.fromEntries(this.releases),
      failures: Object.fromEntries(this.failures),
      checked: this.checked(),
      confirmed: Object.fromEntries(this.confirmed),
      judged: this.judged,
      novel: this.novel,
    }
  }

  /** Executors are told of where all answers were in rounds: the bytes of the two kinds cannot be told apart. */
  private bytes(): RoleBytes {
    const { answered, inRounds, executors } = this
    return byRole(this.tensors(answered), inRounds === answered ? executors / answered : 0)
  }

  private checked(): SampleReport['checked'] {
    let [layers, of, doubted] = [0, 0, 0]
    for (const one of this.given) {
      of += one.layers
      for (const found of this.checks.of(one)) {
        layers += found.layers.length
        if (found.doubted.length > 0) doubted++
      }
    }
    return { layers, of, doubted }
  }
}

function increment<K extends string>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** The value below which a share of the sorted values lies (nearest rank), rounded to 0.1; 0 for none. */
export function quantile(sorted: readonly number[], share: number): number {
  const rank = Math.max(0, Math.ceil(share * sorted.length) - 1)
  return Math.round((sorted[rank] ?? 0) * 10) / 10
}

function checkedLine({ layers, of, doubted }: SampleReport['checked']): string {
  const found = `${layers} of ${of} layers checked by others`
  if (doubted === 0) return found
  return `${found}; ${doubted} ${doubted === 1 ? 'answer' : 'answers'} DOUBTED, by peers that lied`
}

function mixedLines({ hopsByRelease, hopsByBackend }: SampleReport): string[] {
  const sum = (counts: Readonly<Record<string, number>>) =>
    Object.values(counts).reduce((all, count) => all + count, 0)
  const others = Object.keys(hopsByRelease).map((id) => id.slice(0, 12))
  if (others.length === 0) return []
  return [
    `mixed: ${sum(hopsByRelease)} of ${sum(hopsByBackend)} layers were those of ${others.join(' and ')}`,
  ]
}

function confirmedLines(confirmed: SampleReport['confirmed']): string[] {
  const { agreed = 0, outvoted = 0, split = 0, unconfirmed = 0 } = confirmed
  if (agreed + outvoted + split + unconfirmed === 0) return []
  return [
    `asked twice: ${agreed} agreed, ${outvoted} decided by a third order, ${split} split three ways, ${unconfirmed} not confirmed`,
  ]
}

/**
 * A report in a few lines for people.
 * @param asking how it was asked: whoever wanted rounds hears that none were run.
 */
export function reportLines(report: SampleReport, { policy }: Pick<Asking, 'policy'>): string[] {
  const { samples, answered, correct, accuracy, partial, p50Ms, p95Ms, distinctOrders, checked } =
    report
  const inRounds = manyRoundsLine(report.rounds, report.bytes) ?? noRoundsLine(policy)
  const failures = Object.entries(report.failures).map(([code, number]) => `${number} ${code}`)
  return [
    `${answered} of ${samples} answered, ${correct} correct (${(100 * accuracy).toFixed(1)} %), ${partial} partial, in ${distinctOrders} orders`,
    `p50 ${p50Ms} ms, p95 ${p95Ms} ms, computed by ${report.backends.join(', ') || 'nobody'}`,
    ...(inRounds === undefined ? [] : [inRounds]),
    ...mixedLines(report),
    checkedLine(checked),
    ...confirmedLines(report.confirmed),
    ...novelLines(report.judged, report.novel),
    ...(failures.length === 0 ? [] : [`not answered: ${failures.join(', ')}`]),
  ]
}
