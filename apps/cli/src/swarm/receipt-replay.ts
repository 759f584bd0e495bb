import {
  argmax,
  checkPartInput,
  type Engine,
  fileDistanceOf,
  keepsOrder,
  type ModelSpec,
  type Part,
  parseReceipt,
  type Receipt,
  type ReceiptRun,
  releaseId,
  replayRun,
} from '@layerswarm/model'
import { isInOwnOrder } from '@layerswarm/swarm'
import { CliError } from '../cli-error.ts'
import { readJson } from '../files.ts'
import { knownReleaseFolders } from '../project-places.ts'
import { readManifest, readModelFolder } from '../release/release-folder.ts'

/**
 * Largest difference of a logit, as a share of the spread of the run's logits, that still agrees.
 * Engines differ by 1e-6, which moves some values across a rounding step at every hop: over 40
 * orders of the shipped model by 1.2e-4 in float16 and 1.7e-3 in int8 at most. Two layers that
 * change places move the logits by 5.5e-3 at least, and by 1.8e-2 as a rule.
 */
const TOLERANCES = { float32: 0.002, float16: 0.002, int8: 0.005 } as const

/** The model that answered, with its labels. */
export interface AnsweringRelease {
  readonly spec: ModelSpec
  readonly labels: readonly string[]
  readonly parts: ReadonlyMap<Part, Uint8Array>
  /** How far a layer's output may be from that of `parts`, where hosts may load smaller files of it. */
  readonly fileDistance: number
}

/** Its layers, and those of each other release that answered with it, by the id of that. */
export interface AnsweringReleases extends AnsweringRelease {
  readonly others: ReadonlyMap<string, Pick<AnsweringRelease, 'parts' | 'fileDistance'>>
}

/** One order of the receipt, computed again. */
export interface ReplayedRun {
  readonly order: readonly number[]
  /** What the receipt says, and what came out here. */
  readonly label: string
  readonly replayedLabel: string
  /** Largest difference of a logit, as a share of the spread of the receipt's logits. */
  readonly difference: number
  readonly agrees: boolean
}

/** A receipt that agrees with what was computed here; one that does not is an error. */
export interface ReplayReport {
  readonly agrees: true
  readonly release: string
  readonly tolerance: number
  readonly runs: readonly ReplayedRun[]
}

/** @throws CliError `not-found` or `bad-file`; ModelError `bad-receipt` or `wrong-hash`. */
export async function readReceipt(path: string): Promise<Receipt> {
  return parseReceipt(await readJson(path))
}

/**
 * The releases that the receipt names, from the folders given or from those that come with the project.
 * @throws CliError `not-found` or `bad-file`, ModelError for a damaged release.
 */
export async function receiptReleases(
  { release, name, runs }: Receipt,
  named: readonly string[],
): Promise<AnsweringReleases> {
  const own = `the release ${release.slice(0, 12)}… ("${name}") that made this receipt`
  const answering = await answeringRelease(release, own, named)
  const others = new Map<string, AnsweringRelease>()
  for (const weights of new Set(
    runs.flatMap(({ route }) => route.flatMap((hop) => hop.weights ?? [])),
  )) {
    const other = `the release ${weights.slice(0, 12)}…, whose layers had a part in this receipt`
    others.set(weights, await answeringRelease(weights, other, named))
  }
  return { ...answering, others }
}

async function answeringRelease(
  id: string,
  wanted: string,
  named: readonly string[],
): Promise<AnsweringRelease> {
  for (const folder of named.length === 0 ? await knownReleaseFolders() : named) {
    const manifest = await readManifest(folder)
    if (releaseId(manifest) !== id) continue
    const { spec, parts } = await readModelFolder(folder)
    return { spec, parts, fileDistance: fileDistanceOf(manifest), labels: manifest.labels }
  }
  const [folder = 'models'] = named
  throw named.length === 0
    ? new CliError(
        { code: 'not-found', path: folder },
        `models/ does not hold ${wanted}; name its folder with --model DIR`,
      )
    : new CliError(
        { code: 'bad-file', path: folder },
        `${named.join(', ')} ${named.length === 1 ? 'is' : 'hold'} not ${wanted}`,
      )
}

/**
 * Computes every run of a receipt again.
 * @throws CliError `disagrees` when one differs by more than the tolerance, `bad-file` for a receipt
 * that does not fit the model.
 */
export async function replayReceipt(
  engine: Engine,
  release: AnsweringReleases,
  receipt: Receipt,
  print: (line: string) => void,
): Promise<ReplayReport> {
  const { spec, parts, others } = release
  const fileDistance = Math.max(
    release.fileDistance,
    ...[...others.values()].map((other) => other.fileDistance),
  )
  // Nobody says which file of a layer was loaded: what n of them do is √n times what one does.
  const byFiles = fileDistance * Math.sqrt(spec.layers)
  const tolerance = Math.max(TOLERANCES[receipt.wireDtype], byFiles)
  checkPartInput(spec, 'stem', receipt.image, 0)
  for (const [part, file] of parts) await engine.load(part, file)
  const runs: ReplayedRun[] = []
  for (const run of receipt.runs) {
    checkRun(spec, run)
    const order = run.route.map(({ layer }) => layer)
    const foreign = run.route.filter(({ weights }) => weights !== undefined)
    for (const { layer, weights = '' } of foreign)
      await engine.load(layer, others.get(weights)?.parts.get(layer) as Uint8Array)
    const logits = await replayRun(engine, spec, receipt, order, run.rounds)
    for (const { layer } of foreign) await engine.load(layer, parts.get(layer) as Uint8Array)
    const replayed = compare(release, run, logits, order, tolerance)
    runs.push(replayed)
    const mixed = foreign.length === 0 ? '' : `, ${foreign.length} layers of another release`
    print(`${lineOf(replayed)}${mixed}${keepsOrder(spec) ? ', in its own order' : ''}`)
  }
  const wrong = runs.filter(({ agrees }) => !agrees)
  if (wrong.length > 0) throw disagreement(wrong, runs.length, tolerance, byFiles > 0)
  print(`agrees: ${runs.length} of ${runs.length} ${runs.length === 1 ? 'order' : 'orders'}`)
  return { agrees: true, release: receipt.release, tolerance, runs }
}

function compare(
  { labels }: AnsweringRelease,
  { logits: claimed }: ReceiptRun,
  logits: Float32Array,
  order: readonly number[],
  tolerance: number,
): ReplayedRun {
  const spread = Math.max(...logits) - Math.min(...logits)
  const largest = Math.max(...claimed.map((logit, i) => Math.abs(logit - (logits[i] as number))))
  const difference = spread > 0 ? largest / spread : largest
  const nameOf = (row: ArrayLike<number>) => labels[argmax(row)] ?? `class ${argmax(row)}`
  return {
    order,
    label: nameOf(claimed),
    replayedLabel: nameOf(logits),
    difference,
    agrees: difference <= tolerance,
  }
}

/** @throws CliError `bad-file` when the run cannot be one of this model. */
function checkRun(spec: ModelSpec, { logits, route, missingLayers }: ReceiptRun): void {
  const order = route.map(({ layer }) => layer)
  const applied = new Set(order)
  if (keepsOrder(spec) && !isInOwnOrder(order))
    throw new CliError(
      { code: 'bad-file', path: 'receipt' },
      `the receipt has the layers in the order ${order.join(', ')}, and this model keeps its own`,
    )
  const honest =
    applied.size + missingLayers.length === spec.layers &&
    missingLayers.every((layer) => !applied.has(layer))
  if (honest && logits.length === spec.classes) return
  throw new CliError(
    { code: 'bad-file', path: 'receipt' },
    honest
      ? `the receipt has ${logits.length} class scores where this model has ${spec.classes} classes`
      : `the receipt names ${applied.size} applied and ${missingLayers.length} missing layers of a model with ${spec.layers}`,
  )
}

function lineOf({ order, label, replayedLabel, difference, agrees }: ReplayedRun): string {
  const share = `${(100 * difference).toFixed(3)} %`
  const verdict = agrees ? 'agrees' : 'DISAGREES'
  const path = order.length === 0 ? 'no layer' : order.join(' → ')
  return `${path}: ${label} in the receipt, ${replayedLabel} here, logits differ by ${share}: ${verdict}`
}

function disagreement(
  wrong: readonly ReplayedRun[],
  of: number,
  tolerance: number,
  hasSmallFiles: boolean,
): CliError {
  const worst = Math.max(...wrong.map(({ difference }) => difference))
  return new CliError(
    { code: 'disagrees', difference: worst },
    `the receipt does not agree: ${wrong.length} of ${of} orders give other logits here, by up to ${(100 * worst).toFixed(1)} % of their spread (at most ${Number((100 * tolerance).toFixed(2))} % is rounding${hasSmallFiles ? ', of its smaller layer files too' : ''})`,
  )
}
