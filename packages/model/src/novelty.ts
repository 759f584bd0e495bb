import {
  MANIFEST_NOVELTY_ORDERS_MAX,
  NOVELTY_DISAGREEMENT_WEIGHT,
  NOVELTY_ORDERS_MAX,
} from './limits.ts'
import { fail, parseFields, parseObject } from './manifest-fields.ts'

/**
 * From which score on a release calls a picture unlike anything it was trained on, as its publisher
 * measured it on held-out pictures.
 */
export interface Novelty {
  /** What is compared with the thresholds: `flatness` is `noveltyScore`. */
  readonly score: 'flatness'
  /** Held-out pictures that were measured. */
  readonly images: number
  /** Share of them that is above each threshold, 0 … 1. */
  readonly falseAlarms: number
  /** By the number of orders that are asked, "1", "2", …: scores, in logits. */
  readonly thresholds: Readonly<Record<string, number>>
}

/** Whether an answer is about something that the model knows. */
export interface NoveltyVerdict {
  /** The score is above the threshold: unlike anything that the model was trained on. */
  readonly novel: boolean
  readonly score: number
  readonly threshold: number
  /** Orders that were compared. */
  readonly orders: number
}

/**
 * How little a model knows what it sees, from its logits in one order or several: half of what the
 * orders disagree by, less what tells the classes apart,
 *
 *   ½ · √(mean over classes of the variance between orders) − √(variance over classes of their mean).
 *
 * What a model was trained on has logits of much the same spread; those of other things lie closer
 * together, also where one class is far ahead of the rest, and change more with the order. With one
 * order there is no disagreement.
 * @param logits (K, classes), K at least 1. @returns logits; higher is more novel.
 */
export function noveltyScore(logits: readonly ArrayLike<number>[]): number {
  const classes = logits[0]?.length ?? 0
  const centres = Array.from({ length: classes }, (_, index) => meanAt(logits, index))
  const middle = centres.reduce((sum, value) => sum + value, 0) / classes
  const spread = centres.reduce((sum, value) => sum + (value - middle) ** 2, 0) / classes
  return NOVELTY_DISAGREEMENT_WEIGHT * Math.sqrt(logitVariance(logits)) - Math.sqrt(spread)
}

/** Mean over the classes of the variance between orders (K − 1). @param logits (K, classes) @returns 0 for one order. */
export function logitVariance(logits: readonly ArrayLike<number>[]): number {
  const classes = logits[0]?.length ?? 0
  let squares = 0
  for (let index = 0; index < classes; index++) {
    const centre = meanAt(logits, index)
    for (const row of logits) squares += ((row[index] as number) - centre) ** 2
  }
  return squares / classes / Math.max(1, logits.length - 1)
}

function meanAt(rows: readonly ArrayLike<number>[], index: number): number {
  return rows.reduce((sum, row) => sum + (row[index] as number), 0) / rows.length
}

/**
 * Compares the logits of one picture with the threshold for as many orders, or for the most orders
 * below that which has one.
 * @param novelty of the manifest. @param logits (K, classes), all layers applied in each order.
 * @returns undefined where no threshold is known, or none of the orders was run in full.
 */
export function noveltyVerdict(
  novelty: Novelty | undefined,
  logits: readonly ArrayLike<number>[],
): NoveltyVerdict | undefined {
  const known = Object.keys(novelty?.thresholds ?? {}).map(Number)
  const orders = Math.max(0, ...known.filter((count) => count <= logits.length))
  const threshold = novelty?.thresholds[orders]
  if (threshold === undefined) return undefined
  const score = noveltyScore(logits.slice(0, orders))
  return { novel: score > threshold, score, threshold, orders }
}

/** Reads the field `novelty` of a manifest from untrusted data. @throws ModelError `bad-manifest`. */
export function parseNovelty(value: unknown): Novelty {
  const source = parseFields('novelty', value, FIELDS)
  const { score, images, falseAlarms } = source
  if (score !== 'flatness') fail('novelty.score', 'must be "flatness"')
  if (typeof images !== 'number' || !Number.isSafeInteger(images) || images < 1) {
    fail('novelty.images', 'must be a whole number from 1')
  }
  if (typeof falseAlarms !== 'number' || !(falseAlarms >= 0 && falseAlarms <= 1)) {
    fail('novelty.falseAlarms', 'must be a share from 0 to 1')
  }
  return { score, images, falseAlarms, thresholds: parseThresholds(source.thresholds) }
}

const FIELDS: readonly string[] = ['score', 'images', 'falseAlarms', 'thresholds']

function parseThresholds(value: unknown): Record<string, number> {
  const entries = Object.entries(parseObject('novelty.thresholds', value))
  if (entries.length < 1 || entries.length > MANIFEST_NOVELTY_ORDERS_MAX) {
    fail('novelty.thresholds', `must have 1 to ${MANIFEST_NOVELTY_ORDERS_MAX} numbers of orders`)
  }
  return Object.fromEntries(
    entries.map(([orders, threshold]): [string, number] => {
      if (!/^[1-9]\d?$/.test(orders) || Number(orders) > NOVELTY_ORDERS_MAX) {
        fail('novelty.thresholds', `names numbers of orders from 1 to ${NOVELTY_ORDERS_MAX}`)
      }
      if (typeof threshold !== 'number' || !Number.isFinite(threshold)) {
        fail(`novelty.thresholds.${orders}`, 'must be a number')
      }
      return [orders, threshold]
    }),
  )
}
