import { createRandom, type RandomState } from '../random.ts'
import type { Dataset, LabelledImages, PixelFormat } from './dataset.ts'
import { type Augmentation, createPatchWriter } from './patches.ts'

/** What decides which batches are drawn: the part of a recipe that concerns the data. */
export interface BatchRecipe extends Augmentation {
  /** Images of one batch. */
  readonly batch: number
  /** Side of a patch in pixels. */
  readonly patchSize: number
  readonly seed: number
  /** Probability that is taken from the true class and spread evenly over all, 0 … 1. */
  readonly labelSmoothing: number
  /** Share of the targets that are a teacher's; the rest are the labels, smoothed. */
  readonly teacherShare?: number
}

/** Where a sampler stands: enough to draw the same batches again. */
export interface SamplerState {
  /** State of the data stream before the permutation of the current epoch was drawn. */
  readonly epoch: RandomState
  /** Images of the current epoch that were used. */
  readonly position: number
  readonly augmentation: RandomState
}

/** Draws training batches: every epoch visits the images in a new order. */
export interface Sampler {
  /** Fills `patches` (B·P, channels·p·p) and `targets` (B, classes) with the next batch. */
  fill(patches: Float32Array, targets: Float32Array): void
  state(): SamplerState
  restore(state: SamplerState): void
}

/**
 * A sampler at the beginning of its first epoch; the same recipe draws the same batches.
 * @param images those that are drawn from, each of them once an epoch.
 * @param taught (count, classes), the probabilities that a teacher gives to these images.
 */
export function createSampler(
  recipe: BatchRecipe,
  dataset: PixelFormat & Pick<Dataset, 'labels'>,
  images: LabelledImages,
  taught?: Float32Array,
): Sampler {
  const { batch, seed, labelSmoothing, teacherShare = 0 } = recipe
  const classes = dataset.labels.length
  const writer = createPatchWriter(dataset, recipe.patchSize, recipe)
  const order = createRandom(seed, 'epochs')
  const augmentation = createRandom(seed, 'augmentation')
  let epoch = order.state()
  let permutation = order.permutation(images.count)
  let position = 0

  return {
    fill(patches, targets) {
      // The incomplete batch at the end of an epoch is left out; the next epoch mixes anew.
      if (position + batch > images.count) {
        epoch = order.state()
        permutation = order.permutation(images.count)
        position = 0
      }
      targets.fill(labelSmoothing / classes)
      for (let row = 0; row < batch; row++) {
        const index = permutation[position + row] as number
        writer.writeAugmented(patches, row, images, index, augmentation)
        const target = row * classes + (images.labels[index] as number)
        targets[target] = 1 - labelSmoothing + labelSmoothing / classes
        if (taught === undefined) continue
        for (let i = 0; i < classes; i++) {
          const own = targets[row * classes + i] as number
          const teacher = taught[index * classes + i] as number
          targets[row * classes + i] = own + teacherShare * (teacher - own)
        }
      }
      position += batch
    },
    state: () => ({ epoch, position, augmentation: augmentation.state() }),
    restore(state) {
      epoch = state.epoch
      order.restore(epoch)
      permutation = order.permutation(images.count)
      position = state.position
      augmentation.restore(state.augmentation)
    },
  }
}
