import {
  grayTensor,
  keepsOrder,
  layersOf,
  logitVariance,
  type Novelty,
  noveltyScore,
  type Preprocessing,
  rowsOf,
  softmax,
  tensor,
} from '@layerswarm/model'
import { foreignSets } from '../foreign/foreign-images.ts'
import {
  EVALUATION_BATCH_IMAGES,
  FOREIGN_IMAGES,
  FOREIGN_SEED,
  NOVELTY_FALSE_ALARM_SHARE,
  NOVELTY_IMAGES_MAX,
  NOVELTY_IMAGES_MIN,
  NOVELTY_PARAMETER_IMAGES,
} from '../limits.ts'
import { layoutOf } from '../parameters.ts'
import { createRandom } from '../random.ts'
import { type ModelRunner, runOrder } from './model-runner.ts'
import { areaUnderCurve, mean } from './statistics.ts'
import type { TestImages } from './sweep.ts'

/**
 * How well pictures of something else are told from those that a model knows, by answers in a
 * number of orders: areas under the ROC curve, 0.5 for none and 1 for all, each a mean over the
 * foreign sets.
 */
export interface ForeignMeasure {
  /** By the score that ships, `noveltyScore`. */
  readonly novelty: number
  /** By the probability of the best class, averaged over the orders. */
  readonly confidence: number
  /** By the entropy of the probabilities, averaged over the orders. */
  readonly entropy: number
  /** By the variance of the logits between orders; null of one order. */
  readonly variance: number | null
  /** Share of the foreign pictures above the threshold that 5 % of the model's own are above. */
  readonly found: number
  /** By the score that ships, set by set. */
  readonly sets: Readonly<Record<string, number>>
}

/** What was measured with pictures that a model cannot know. */
export interface ForeignMeasures {
  /** Pictures of the model's own kind, and of each foreign set. */
  readonly images: number
  readonly perSet: number
  /** By the number of orders, "1", "2", "4" and "8"; of a model that keeps its order "1" alone. */
  readonly orders: Readonly<Record<string, ForeignMeasure>>
}

/** Numbers of orders that are measured. */
const ORDERS = [1, 2, 4, 8]

/** Logits of one picture, (orders, classes). */
type Rows = readonly Float32Array[]

/**
 * Measures a model on the first of the test images and on as many foreign ones of each set, at most
 * `FOREIGN_IMAGES`. @throws the signal's reason.
 */
export async function measureForeign(
  runner: ModelRunner,
  test: TestImages,
  signal: AbortSignal | undefined,
): Promise<ForeignMeasures> {
  const { preprocessing } = test
  const own = ownPixels(runner, test)
  const perSet = Math.min(FOREIGN_IMAGES, own.count)
  const sets = foreignSets({
    ...{ size: preprocessing.size, channels: preprocessing.channels },
    ...{ own: own.pixels, count: perSet, seed: FOREIGN_SEED },
  })
  const known = await logitsOf(runner, own.pixels, preprocessing, signal)
  const foreign = new Map<string, readonly Rows[]>()
  for (const { name, pixels } of sets)
    foreign.set(name, await logitsOf(runner, pixels, preprocessing, signal))
  const orders = countsOf(runner).map((count): [string, ForeignMeasure] => [
    String(count),
    measureAt(count, known, foreign),
  ])
  return { images: own.count, perSet, orders: Object.fromEntries(orders) }
}

/**
 * Thresholds of novelty from held-out pictures, as a manifest has them.
 * @param test pictures that the model was not trained on. @throws the signal's reason.
 */
export async function measureThresholds(
  runner: ModelRunner,
  test: TestImages,
  signal: AbortSignal | undefined,
): Promise<Novelty> {
  const own = ownPixels(runner, test)
  const known = await logitsOf(runner, own.pixels, test.preprocessing, signal)
  const thresholds = countsOf(runner).map((count): [string, number] => [
    String(count),
    thresholdOf(known.map((rows) => noveltyScore(rows.slice(0, count)))),
  ])
  return {
    ...{ score: 'flatness', images: own.count, falseAlarms: NOVELTY_FALSE_ALARM_SHARE },
    thresholds: Object.fromEntries(thresholds),
  }
}

function measureAt(
  count: number,
  known: readonly Rows[],
  foreign: ReadonlyMap<string, readonly Rows[]>,
): ForeignMeasure {
  const scoresOf = (score: (rows: Rows) => number, pictures: readonly Rows[]): number[] =>
    pictures.map((rows) => score(rows.slice(0, count)))
  const areas = (score: (rows: Rows) => number): number[] => {
    const own = scoresOf(score, known)
    return [...foreign.values()].map((pictures) => areaUnderCurve(own, scoresOf(score, pictures)))
  }
  const threshold = thresholdOf(scoresOf(noveltyScore, known))
  const found = [...foreign.values()].map((pictures) => {
    const scores = scoresOf(noveltyScore, pictures)
    return scores.filter((score) => score > threshold).length / scores.length
  })
  const bySet = areas(noveltyScore)
  return {
    novelty: mean(bySet),
    confidence: mean(areas((rows) => -Math.max(...probabilitiesOf(rows)))),
    entropy: mean(areas((rows) => entropyOf(probabilitiesOf(rows)))),
    variance: count === 1 ? null : mean(areas(logitVariance)),
    found: mean(found),
    sets: Object.fromEntries([...foreign.keys()].map((name, index) => [name, bySet[index] ?? 0])),
  }
}

/** The lowest score that no more than `NOVELTY_FALSE_ALARM_SHARE` of all are above. */
function thresholdOf(scores: readonly number[]): number {
  const sorted = scores.toSorted((a, b) => a - b)
  const place = Math.ceil((1 - NOVELTY_FALSE_ALARM_SHARE) * sorted.length) - 1
  return sorted[Math.max(0, place)] ?? 0
}

function countsOf({ spec }: ModelRunner): readonly number[] {
  return keepsOrder(spec) ? ORDERS.slice(0, 1) : ORDERS
}

/** The first test images, fewer of a large model. */
function ownPixels({ spec }: ModelRunner, { images, preprocessing }: TestImages) {
  const { size, channels } = preprocessing
  const affordable = Math.floor(NOVELTY_PARAMETER_IMAGES / layoutOf(spec).elements)
  const wanted = Math.min(NOVELTY_IMAGES_MAX, Math.max(NOVELTY_IMAGES_MIN, affordable))
  const count = Math.min(images.count, wanted)
  return { count, pixels: images.pixels.subarray(0, count * size * size * channels) }
}

/** @returns the logits of every picture in each order; every batch draws its orders anew. */
async function logitsOf(
  runner: ModelRunner,
  pixels: Uint8Array,
  preprocessing: Preprocessing,
  signal: AbortSignal | undefined,
): Promise<Rows[]> {
  const { spec } = runner
  const bytes = preprocessing.size * preprocessing.size * preprocessing.channels
  const random = createRandom(0, 'novelty orders')
  const orders = Math.max(...countsOf(runner))
  const all: Rows[] = []
  for (let start = 0; start < pixels.length; start += EVALUATION_BATCH_IMAGES * bytes) {
    const batch = pixels.subarray(start, start + EVALUATION_BATCH_IMAGES * bytes)
    const tokens = await runner.embed(grayTensor(batch, preprocessing))
    const runs: Float32Array[][] = []
    for (let run = 0; run < orders; run++) {
      signal?.throwIfAborted()
      const order = keepsOrder(spec) ? layersOf(spec) : random.permutation(spec.layers)
      runs.push(rowsOf(await runOrder(runner, tokens, order)))
    }
    for (let picture = 0; picture < batch.length / bytes; picture++)
      all.push(runs.map((rows) => rows[picture] as Float32Array))
  }
  return all
}

/** Averaged over the orders. */
function probabilitiesOf(rows: Rows): number[] {
  const each = rows.map((row) => softmax(tensor([row.length], row)).data)
  return Array.from(each[0] ?? [], (_, index) => mean(each.map((one) => one[index] as number)))
}

function entropyOf(probabilities: readonly number[]): number {
  return -probabilities.reduce((sum, share) => sum + (share > 0 ? share * Math.log(share) : 0), 0)
}
