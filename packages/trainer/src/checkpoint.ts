import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ModelError, readSafetensors, tensorValues, writeSafetensors } from '@layerswarm/model'
import type { OptimizerState } from './adamw.ts'
import type { LearnedData } from './data/learned-data.ts'
import { TrainerError } from './errors.ts'
import { replaceFile } from './files.ts'
import { isSameOrigin, type Origin } from './origin.ts'
import type { RandomState } from './random.ts'
import { parseRecipe, type Recipe } from './recipe.ts'
import { goOn, parseResumeWords } from './resumption.ts'

/** One point of the curves in a report. */
export interface CurvePoint {
  readonly step: number
  /** Training images seen so far. */
  readonly images: number
  /** Moving average of the training loss. */
  readonly loss: number
  /** Accuracies of the averaged weights on held-out training images, 0 … 1. */
  readonly sequential: number
  readonly arbitrary: number
}

/** What a training needs, besides weights and moments, to go on as if it had never stopped. */
export interface Progress {
  /** Steps done. */
  readonly step: number
  /** Images of the current epoch that were used. */
  readonly position: number
  /** Moving average of the training loss. */
  readonly loss: number
  /** State of the data stream from which the epoch's permutation is drawn again. */
  readonly epoch: RandomState
  readonly augmentation: RandomState
  readonly orders: RandomState
  readonly curve: readonly CurvePoint[]
  /** Seconds spent so far, over all runs. */
  readonly wallSeconds: number
  readonly cpuSeconds: number
}

/** The training that a checkpoint is of: it goes on with no other. */
export interface CheckpointOf {
  readonly recipe: Recipe
  readonly origin: Origin
  readonly data: LearnedData
  /** As in `CheckpointNotes`. */
  readonly words: readonly string[]
}

const STATE_TENSORS = ['parameters', 'm', 'v', 'ema'] as const
const FORMAT = 'layerswarm-checkpoint-1'

/** Writes one safetensors file; a crash while writing leaves the previous checkpoint. */
export async function writeCheckpoint(
  file: string,
  { recipe, origin, data, words }: CheckpointOf,
  state: OptimizerState,
  progress: Progress,
): Promise<void> {
  const tensors = Object.fromEntries(
    STATE_TENSORS.map((name) => {
      const { buffer, byteOffset, byteLength, length } = state[name]
      const bytes = new Uint8Array(buffer, byteOffset, byteLength)
      return [name, { dtype: 'F32' as const, shape: [length], data: bytes }]
    }),
  )
  const metadata = {
    format: FORMAT,
    recipe: JSON.stringify(recipe),
    origin: JSON.stringify(origin),
    data: JSON.stringify(data),
    words: JSON.stringify(words),
    progress: JSON.stringify(progress),
  }
  await replaceFile(file, writeSafetensors(tensors, metadata))
}

function fail(file: string, message: string): never {
  throw new TrainerError({ code: 'bad-checkpoint', file }, `checkpoint ${file}: ${message}`)
}

/**
 * Fills `state` from a checkpoint of the same recipe, start and teachers; that the data are the same
 * is asked by `refuseOtherData`.
 * @throws TrainerError `missing-checkpoint`, or `bad-checkpoint` when it is damaged or of another training.
 */
export async function readCheckpoint(
  file: string,
  { recipe, origin }: Pick<CheckpointOf, 'recipe' | 'origin'>,
  state: OptimizerState,
): Promise<Progress> {
  const bytes = await readBytes(file)
  try {
    const { tensors, metadata } = readSafetensors(bytes)
    if (metadata.format !== FORMAT) fail(file, 'it was not written by this trainer')
    const remedy = goOn(parseResumeWords(metadata.words), dirname(file))
    if (!sameTraining(parseJson(file, metadata.recipe), recipe)) {
      fail(file, `it belongs to another recipe; ${remedy}`)
    }
    if (metadata.origin !== undefined && !isSameOrigin(parseJson(file, metadata.origin), origin)) {
      fail(file, `it began with another model, or had other teachers; ${remedy}`)
    }
    const progress = parseProgress(file, parseJson(file, metadata.progress))
    for (const name of STATE_TENSORS) {
      const entry = tensors[name]
      if (entry === undefined || entry.shape.join() !== `${state[name].length}`) {
        fail(file, `"${name}" is missing or has another size`)
      }
      state[name].set(tensorValues(bytes, entry))
    }
    return progress
  } catch (error) {
    if (error instanceof ModelError) fail(file, error.message)
    throw error
  }
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch {
    throw new TrainerError(
      { code: 'missing-checkpoint', file },
      `there is no checkpoint to continue from at ${file}; start without resuming`,
    )
  }
}

function parseJson(file: string, text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    fail(file, 'its metadata is not JSON; it is damaged')
  }
}

/** Whether two recipes give the same weights; the number of threads and the name do not matter. */
function sameTraining(stored: unknown, recipe: Recipe): boolean {
  try {
    const [a, b] = [stored, recipe].map((one) => ({ ...parseRecipe(one), name: '', threads: 1 }))
    return JSON.stringify(a) === JSON.stringify(b)
  } catch (error) {
    if (error instanceof TrainerError) return false // a recipe of another version
    throw error
  }
}

function parseProgress(file: string, value: unknown): Progress {
  if (typeof value !== 'object' || value === null) fail(file, 'its progress is missing')
  const source = new Map<string, unknown>(Object.entries(value))
  const number = (field: string): number => {
    const found = source.get(field)
    if (typeof found !== 'number') fail(file, `its progress has no "${field}"`)
    return found
  }
  const state = (field: string): RandomState => {
    const found: unknown = source.get(field)
    const [a, b, c, d]: unknown[] = Array.isArray(found) ? found : []
    if (typeof a !== 'number' || typeof b !== 'number') fail(file, `"${field}" is not a state`)
    if (typeof c !== 'number' || typeof d !== 'number') fail(file, `"${field}" is not a state`)
    return [a, b, c, d]
  }
  const curve: unknown = source.get('curve')
  return {
    step: number('step'),
    position: number('position'),
    loss: number('loss'),
    epoch: state('epoch'),
    augmentation: state('augmentation'),
    orders: state('orders'),
    curve: Array.isArray(curve) ? curve.filter(isCurvePoint) : [],
    wallSeconds: number('wallSeconds'),
    cpuSeconds: number('cpuSeconds'),
  }
}

function isCurvePoint(value: unknown): value is CurvePoint {
  if (typeof value !== 'object' || value === null) return false
  const source = new Map<string, unknown>(Object.entries(value))
  const fields = ['step', 'images', 'loss', 'sequential', 'arbitrary']
  return fields.every((field) => typeof source.get(field) === 'number')
}
