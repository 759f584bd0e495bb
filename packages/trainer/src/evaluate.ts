import { argmax, layersOf, type ModelSpec } from '@layerswarm/model'
import type { Dataset, LabelledImages } from './data/dataset.ts'
import { createPatchWriter } from './data/patches.ts'
import { createRandom } from './random.ts'
import { createInferenceSession } from './sessions.ts'

/** Images that share one order: small, so that an accuracy averages over many orders. */
export const EVALUATION_BATCH = 100

export interface Accuracies {
  /** Images of each pass. */
  readonly images: number
  /** Accuracy with the layers in their own order, 0 … 1. */
  readonly sequential: number
  /** Accuracies with a fresh order for every batch, one pass per seed. */
  readonly arbitrary: {
    readonly mean: number
    /** Deviation between seeds (n − 1). */
    readonly std: number
    /** Orders drawn over all seeds. */
    readonly orders: number
    readonly seeds: number
  }
}

export interface EvaluateOptions {
  /** Passes in arbitrary order. */
  readonly seeds: number
  readonly threads: number
}

export const EVALUATE_DEFAULTS: EvaluateOptions = Object.freeze({ seeds: 5, threads: 1 })

/** Measures accuracies of flat parameters again and again. */
export interface Evaluator {
  /** Reads the parameters that were given to `createEvaluator` as they are now. */
  evaluate(images: LabelledImages, seeds: number): Promise<Accuracies>
  close(): Promise<void>
}

export async function createEvaluator(
  spec: ModelSpec,
  parameters: Float32Array,
  dataset: Pick<Dataset, 'imageSize' | 'mean' | 'std'>,
  threads: number,
): Promise<Evaluator> {
  const session = await createInferenceSession(spec, EVALUATION_BATCH, parameters, threads)
  const writer = createPatchWriter(dataset, spec.patchSize, { shift: 0, flip: 0 })
  const layers = layersOf(spec)

  async function accuracy(
    images: LabelledImages,
    nextOrder: () => ArrayLike<number>,
  ): Promise<number> {
    let correct = 0
    for (let start = 0; start < images.count; start += EVALUATION_BATCH) {
      const rows = Math.min(EVALUATION_BATCH, images.count - start)
      for (let row = 0; row < rows; row++) writer.write(session.patches, row, images, start + row)
      const logits = await session.run(nextOrder())
      for (let row = 0; row < rows; row++) {
        const own = logits.subarray(row * spec.classes, (row + 1) * spec.classes)
        if (argmax(own) === images.labels[start + row]) correct++
      }
    }
    return correct / images.count
  }

  return {
    async evaluate(images, seeds) {
      const sequential = await accuracy(images, () => layers)
      const passes: number[] = []
      for (let seed = 0; seed < seeds; seed++) {
        const random = createRandom(seed, 'evaluation orders')
        passes.push(await accuracy(images, () => random.permutation(layers.length)))
      }
      const orders = seeds * Math.ceil(images.count / EVALUATION_BATCH)
      const arbitrary = { mean: mean(passes), std: deviation(passes), orders, seeds }
      return { images: images.count, sequential, arbitrary }
    },
    close: () => session.close(),
  }
}

/**
 * Accuracies of a model on given images.
 * @param parameters flat, as `layoutOf(spec)` says.
 */
export async function evaluateParameters(
  spec: ModelSpec,
  parameters: Float32Array,
  dataset: Pick<Dataset, 'imageSize' | 'mean' | 'std'>,
  images: LabelledImages,
  options: Partial<EvaluateOptions> = {},
): Promise<Accuracies> {
  const { seeds, threads } = { ...EVALUATE_DEFAULTS, ...options }
  const evaluator = await createEvaluator(spec, parameters, dataset, threads)
  try {
    return await evaluator.evaluate(images, seeds)
  } finally {
    await evaluator.close()
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function deviation(values: readonly number[]): number {
  const centre = mean(values)
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0)
  return Math.sqrt(squares / Math.max(1, values.length - 1))
}
