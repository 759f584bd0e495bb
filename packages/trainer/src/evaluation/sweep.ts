import { grayTensor, type Preprocessing, type Tensor } from '@layerswarm/model'
import type { LabelledImages } from '../data/dataset.ts'
import { EVALUATION_BATCH_IMAGES } from '../limits.ts'
import type { ModelRunner } from './model-runner.ts'

/** Images that models are measured on, and how their pixels become inputs. */
export interface TestImages {
  readonly preprocessing: Preprocessing
  readonly images: LabelledImages
}

/** A batch that went through the stem. */
export interface EmbeddedBatch {
  /** (B, T, C), B at most 100. */
  readonly tokens: Tensor
  /** (B) */
  readonly labels: ArrayLike<number>
}

/** Something that is measured batch by batch. */
export interface Experiment<R> {
  run(batch: EmbeddedBatch): Promise<void>
  result(): R
}

/** The number of batches that `sweep` cuts images into. */
export function batchesOf({ count }: LabelledImages): number {
  return Math.ceil(count / EVALUATION_BATCH_IMAGES)
}

/** Batches done of the model in work. */
export interface EvaluationProgress {
  readonly name: string
  readonly done: number
  readonly of: number
}

/** Tells about every batch and ends when the signal says so. */
export function progressOf(
  name: string,
  { images }: TestImages,
  {
    signal,
    onProgress,
  }: {
    readonly signal?: AbortSignal | undefined
    onProgress(progress: EvaluationProgress): void
  },
  sweeps = 1,
): () => void {
  let done = 0
  return () => {
    signal?.throwIfAborted()
    done += 1
    onProgress({ name, done, of: sweeps * batchesOf(images) })
  }
}

/**
 * Takes all images through several experiments; each batch is embedded once.
 * @param onBatch called after every batch; what it throws ends the sweep.
 */
export async function sweep(
  runner: ModelRunner,
  { preprocessing, images }: TestImages,
  experiments: readonly Experiment<unknown>[],
  onBatch: () => void,
): Promise<void> {
  const imageBytes = images.pixels.length / images.count
  for (let start = 0; start < images.count; start += EVALUATION_BATCH_IMAGES) {
    const end = Math.min(images.count, start + EVALUATION_BATCH_IMAGES)
    const pixels = images.pixels.subarray(start * imageBytes, end * imageBytes)
    const tokens = await runner.embed(grayTensor(pixels, preprocessing))
    const batch = { tokens, labels: images.labels.subarray(start, end) }
    for (const experiment of experiments) await experiment.run(batch)
    onBatch()
  }
}
