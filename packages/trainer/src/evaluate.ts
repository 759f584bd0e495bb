import { argmax, layersOf, type ModelSpec } from '@layerswarm/model'
import type { LabelledImages, PixelFormat } from './data/dataset.ts'
import { createPatchWriter } from './data/patches.ts'
import type { TrainEngine } from './engine/train-engine.ts'
import { deviation, mean } from './evaluation/statistics.ts'
import { EVALUATION_BATCH_IMAGES } from './limits.ts'
import { createRandom } from './random.ts'
import { createInferenceSession } from './sessions.ts'

/** How often a model is right, in its own order of layers and in random ones. */
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

/** Measures accuracies of flat parameters again and again. */
export interface Evaluator {
  /** Reads the parameters that were given to `createEvaluator` as they are now. */
  evaluate(images: LabelledImages, seeds: number, signal?: AbortSignal): Promise<Accuracies>
  /** Frees the session; the parameters stay. */
  close(): Promise<void>
}

/**
 * Opens a session for batches of `EVALUATION_BATCH_IMAGES`.
 * @param parameters flat, as `layoutOf(spec)` says; not copied, so that they may change between
 * evaluations.
 * @param dataset how pixels become inputs.
 */
export async function createEvaluator(
  spec: ModelSpec,
  parameters: Float32Array,
  dataset: PixelFormat,
  engine: TrainEngine,
): Promise<Evaluator> {
  const session = await createInferenceSession(engine, spec, EVALUATION_BATCH_IMAGES, parameters)
  const writer = createPatchWriter(dataset, spec.patchSize, { shift: 0, flip: 0, erase: 0 })
  const layers = layersOf(spec)

  async function accuracy(
    images: LabelledImages,
    nextOrder: () => ArrayLike<number>,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    let correct = 0
    for (let start = 0; start < images.count; start += EVALUATION_BATCH_IMAGES) {
      signal?.throwIfAborted()
      const rows = Math.min(EVALUATION_BATCH_IMAGES, images.count - start)
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
    async evaluate(images, seeds, signal) {
      const sequential = await accuracy(images, () => layers, signal)
      const passes: number[] = []
      for (let seed = 0; seed < seeds; seed++) {
        const random = createRandom(seed, 'evaluation orders')
        passes.push(await accuracy(images, () => random.permutation(layers.length), signal))
      }
      const orders = seeds * Math.ceil(images.count / EVALUATION_BATCH_IMAGES)
      const arbitrary = { mean: mean(passes), std: deviation(passes), orders, seeds }
      return { images: images.count, sequential, arbitrary }
    },
    close: () => session.close(),
  }
}
