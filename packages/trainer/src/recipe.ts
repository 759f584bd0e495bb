import { readFile } from 'node:fs/promises'
import {
  fileReason,
  foreignFile,
  type ModelSpec,
  parseModelSpec,
  VARIANTS,
  type Variant,
} from '@layerswarm/model'
import type { Dataset } from './data/dataset.ts'
import { TrainerError } from './errors.ts'
import { FIELD_TOLD_CHARS_MAX, ROUND_SIZES_MAX } from './limits.ts'

/** How weights are updated: all by AdamW, or the matrices of the encoder layers by Muon. */
export const OPTIMIZERS = ['adamw', 'muon'] as const

/** One of `OPTIMIZERS`. */
export type OptimizerName = (typeof OPTIMIZERS)[number]

/** Everything that decides a training, as flat data. */
export interface Recipe {
  readonly name: string
  readonly variant: Variant
  /** Side of a patch, pixels. */
  readonly patchSize: number
  /** C: values of one token. */
  readonly width: number
  readonly layers: number
  /** Attention heads of a layer; they divide the width. */
  readonly heads: number
  /** Values of one token between the two matrices of a layer's MLP. */
  readonly mlpWidth: number
  /** Images per step. */
  readonly batch: number
  /** Training images seen in all, over all epochs; rounded up to whole steps. */
  readonly images: number
  readonly optimizer: OptimizerName
  /** Peak learning rate. */
  readonly learningRate: number
  /** Decay of AdamW's second moments. */
  readonly beta2: number
  /** Share of a decaying parameter that is lost per step, times the learning rate. */
  readonly weightDecay: number
  /** Largest L2 norm of the gradients. */
  readonly clip: number
  /** Steps in which the learning rate rises evenly to its peak. */
  readonly warmupSteps: number
  /** Share of the target probability that is spread over all classes. */
  readonly labelSmoothing: number
  /** Decay of the moving average of the weights, which is what is evaluated and saved. */
  readonly ema: number
  /** Augmentation: largest shift along each axis, pixels. */
  readonly shift: number
  /** Augmentation: probability of a horizontal flip. */
  readonly flip: number
  /** Augmentation: probability that a random rectangle is erased (arXiv 1708.04896). */
  readonly erase: number
  /**
   * Patch dropout (arXiv 2208.07220): patches of each image that are kept in training, a square
   * number; the same random ones for a whole batch. All of them switches it off.
   */
  readonly keptPatches: number
  /** Share of the steps in which patches are dropped; after that all are kept. */
  readonly keptPatchesUntil: number
  /** Most layers that an order leaves out: how many is drawn evenly from 0 to this. */
  readonly dropLayers: number
  /**
   * Layers that run at once: an order is cut into rounds of one of these sizes, drawn evenly, the
   * last one smaller. [1] applies one layer after the other.
   */
  readonly rounds: readonly number[]
  /** Orders drawn per step, each for an equal part of the batch. */
  readonly orders: number
  /** Layers with weights of their own: layer i has those of layer i mod this. All of them by default. */
  readonly distinctLayers: number
  /**
   * Rank of the cores: in each step every layer runs, with probability `CORE_SHARE`, with each of
   * its matrices reduced to its part of this rank. 0 for never.
   */
  readonly coreRank: number
  /** Share of the targets that are a teacher's probabilities; the rest are the labels. */
  readonly teacherShare: number
  /** Orders that a shuffled teacher's probabilities are averaged over. */
  readonly teacherOrders: number
  /** Decides weights, batches, augmentation and orders; with the rest of the recipe, the model to the last bit. */
  readonly seed: number
  /** Threads of the processor unless the caller names another number; results do not depend on it. */
  readonly threads: number
}

/** Lowest and highest value, and whether it must be whole. */
const RANGES: Readonly<Record<NumberField, readonly [number, number, 'whole' | 'real']>> = {
  patchSize: [1, 256, 'whole'],
  width: [4, 4096, 'whole'],
  layers: [1, 64, 'whole'],
  heads: [1, 64, 'whole'],
  mlpWidth: [4, 16384, 'whole'],
  batch: [1, 4096, 'whole'],
  images: [1, 1e10, 'whole'],
  learningRate: [1e-8, 1, 'real'],
  beta2: [0, 0.99999, 'real'],
  weightDecay: [0, 10, 'real'],
  clip: [1e-6, 1e6, 'real'],
  warmupSteps: [0, 1e7, 'whole'],
  labelSmoothing: [0, 0.9, 'real'],
  ema: [0, 0.99999, 'real'],
  shift: [0, 64, 'whole'],
  flip: [0, 1, 'real'],
  erase: [0, 1, 'real'],
  keptPatches: [1, 65536, 'whole'],
  keptPatchesUntil: [0, 1, 'real'],
  dropLayers: [0, 63, 'whole'],
  orders: [1, 4096, 'whole'],
  distinctLayers: [1, 64, 'whole'],
  coreRank: [0, 4095, 'whole'],
  teacherShare: [0, 1, 'real'],
  teacherOrders: [1, 64, 'whole'],
  seed: [0, Number.MAX_SAFE_INTEGER, 'whole'],
  threads: [1, 256, 'whole'],
}
type NumberField = Exclude<keyof Recipe, 'name' | 'variant' | 'optimizer' | 'rounds'>

/** What recipes say that do not name these fields: the method of the paper, and labels alone. */
const DEFAULTS: Partial<Record<NumberField, number>> = {
  dropLayers: 0,
  orders: 1,
  coreRank: 0,
  teacherShare: 0,
  teacherOrders: 1,
}

/** Epsilon of the layer norms of the models we train. */
const LAYER_NORM_EPS = 1e-6

function fail(field: string, message: string): never {
  throw new TrainerError({ code: 'bad-recipe', field }, `recipe: ${message}`)
}

/** Parses a recipe from untrusted data. @throws TrainerError `bad-recipe` naming the field. */
export function parseRecipe(value: unknown): Recipe {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    fail('', 'must be a JSON object')
  }
  const source = new Map<string, unknown>(Object.entries(value))
  const known = ['name', 'variant', 'optimizer', 'rounds', ...Object.keys(RANGES)]
  const unknown = [...source.keys()].find((key) => !known.includes(key))
  if (unknown !== undefined) {
    fail(unknown, `"${told(unknown)}" is not a field of a recipe; known are ${known.join(', ')}`)
  }
  const name = source.get('name')
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9.-]{0,63}$/.test(name)) {
    fail('name', '"name" must be 1 to 64 of a-z, 0-9, "." and "-"')
  }
  const variant = VARIANTS.find((one) => one === source.get('variant'))
  if (variant === undefined) {
    fail('variant', `"variant" must be one of ${VARIANTS.join(', ')}`)
  }
  const optimizer = OPTIMIZERS.find((one) => one === source.get('optimizer'))
  if (optimizer === undefined) {
    fail('optimizer', `"optimizer" must be one of ${OPTIMIZERS.join(', ')}`)
  }
  const keptPatches = parseNumber('keptPatches', source.get('keptPatches'))
  if (!Number.isInteger(Math.sqrt(keptPatches))) {
    fail('keptPatches', '"keptPatches" must be a square number, as 25 of 49')
  }
  const number = (field: NumberField): number =>
    parseNumber(field, source.get(field) ?? DEFAULTS[field])
  const layers = number('layers')
  const recipe: Recipe = {
    name,
    variant,
    patchSize: number('patchSize'),
    width: number('width'),
    layers,
    heads: number('heads'),
    mlpWidth: number('mlpWidth'),
    batch: number('batch'),
    images: number('images'),
    optimizer,
    learningRate: number('learningRate'),
    beta2: number('beta2'),
    weightDecay: number('weightDecay'),
    clip: number('clip'),
    warmupSteps: number('warmupSteps'),
    labelSmoothing: number('labelSmoothing'),
    ema: number('ema'),
    shift: number('shift'),
    flip: number('flip'),
    erase: number('erase'),
    keptPatches,
    keptPatchesUntil: number('keptPatchesUntil'),
    dropLayers: number('dropLayers'),
    rounds: parseRounds(source.get('rounds'), layers),
    orders: number('orders'),
    distinctLayers: parseNumber('distinctLayers', source.get('distinctLayers') ?? layers),
    coreRank: number('coreRank'),
    teacherShare: number('teacherShare'),
    teacherOrders: number('teacherOrders'),
    seed: number('seed'),
    threads: number('threads'),
  }
  checkTogether(recipe)
  return recipe
}

/** The name of a field, the first of it where it is long. */
function told(name: string): string {
  return name.length <= FIELD_TOLD_CHARS_MAX ? name : `${name.slice(0, FIELD_TOLD_CHARS_MAX)}…`
}

/** What no field can say by itself. */
function checkTogether(recipe: Recipe): void {
  const { variant, width, layers, mlpWidth, batch } = recipe
  const { dropLayers, rounds, orders, distinctLayers, coreRank } = recipe
  if (dropLayers >= layers) {
    fail('dropLayers', `"dropLayers" must leave one of the ${layers} layers at least`)
  }
  const isShuffled = variant === 'shuffle' || variant === 'position' || variant === 'predict'
  if (dropLayers > 0 && !isShuffled) {
    fail('dropLayers', `"dropLayers" is for layers in random order, not for "${variant}"`)
  }
  if (rounds.some((size) => size > 1) && variant !== 'shuffle') {
    fail('rounds', `"rounds" of more than one layer are for "shuffle", not for "${variant}"`)
  }
  if (batch % orders !== 0) {
    fail('orders', `"orders" must divide "batch"; ${orders} does not divide ${batch}`)
  }
  if (distinctLayers > layers) {
    fail('distinctLayers', `"distinctLayers" must be at most "layers", which is ${layers}`)
  }
  if (coreRank > 0 && coreRank >= Math.min(width, mlpWidth)) {
    fail('coreRank', `"coreRank" must be below "width" and "mlpWidth", ${width} and ${mlpWidth}`)
  }
}

function parseNumber(field: NumberField, value: unknown): number {
  const [low, high, kind] = RANGES[field]
  const whole = kind === 'whole'
  if (
    typeof value !== 'number' ||
    (whole && !Number.isInteger(value)) ||
    !(value >= low && value <= high)
  ) {
    fail(field, `"${field}" must be a ${whole ? 'whole ' : ''}number from ${low} to ${high}`)
  }
  return value
}

/** Sizes of rounds; one that is named twice is drawn twice as often. */
function parseRounds(value: unknown, layers: number): readonly number[] {
  if (value === undefined) return [1]
  const isSize = (size: unknown): size is number =>
    typeof size === 'number' && Number.isInteger(size) && size >= 1 && size <= layers
  const sizes: unknown[] = Array.isArray(value) ? value : []
  if (sizes.length < 1 || sizes.length > ROUND_SIZES_MAX || !sizes.every(isSize)) {
    fail(
      'rounds',
      `"rounds" must be a list of 1 to ${ROUND_SIZES_MAX} whole numbers from 1 to ${layers}, as [1, 2, 4]`,
    )
  }
  return sizes
}

/** Reads a recipe file. @throws TrainerError `bad-recipe`. */
export async function readRecipe(file: string): Promise<Recipe> {
  const refuse = (reason: string): never => {
    throw new TrainerError({ code: 'bad-recipe', field: '' }, `recipe ${file}: ${reason}`)
  }
  const bytes = await readFile(file).catch((error: unknown) => refuse(unreadable(error)))
  let value: unknown
  try {
    // Takes a byte order mark away, which some editors write.
    value = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    refuse(noJson(bytes))
  }
  return parseRecipe(value)
}

function unreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'it does not exist'
  if (code === 'EISDIR') return 'it is a folder; name the recipe itself, a JSON file'
  return `it cannot be read: ${fileReason(error)}`
}

function noJson(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'it is empty; copy or write it again'
  if (isUtf16(bytes)) return 'it is UTF-16, not UTF-8; save it as UTF-8'
  const foreign = foreignFile(bytes)
  return foreign === undefined ? 'it is not JSON' : `it is ${foreign}`
}

/** By its byte order mark, or by the zero byte beside its first character, which is in ASCII. */
function isUtf16([first, second]: Uint8Array): boolean {
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
  return isMarked || (first === 0) !== (second === 0)
}

/** The model that a recipe makes of a data set. @throws ModelError `bad-spec`. */
export function specOf(
  recipe: Recipe,
  dataset: Pick<Dataset, 'imageSize' | 'channels' | 'labels'>,
): ModelSpec {
  const { variant, patchSize, width, layers, heads, mlpWidth } = recipe
  return parseModelSpec({
    variant,
    imageSize: dataset.imageSize,
    patchSize,
    channels: dataset.channels,
    width,
    layers,
    heads,
    mlpWidth,
    classes: dataset.labels.length,
    layerNormEps: LAYER_NORM_EPS,
  })
}

/** Steps of a whole training. */
export function stepsOf({ images, batch }: Recipe): number {
  return Math.ceil(images / batch)
}
