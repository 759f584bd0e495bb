import { argmax, rowsOf, type Tensor } from '@layerswarm/model'
import { CONFIDENCE_BINS } from '../limits.ts'

/** Counts right answers. */
export interface Tally {
  /** Scores (B, classes) of images with the labels (B). @returns how many of them were right. */
  add(scores: Tensor, labels: ArrayLike<number>): number
  /** Share of right answers, 0 … 1. */
  accuracy(): number
}

/** A tally of no images; its accuracy is 0 until some are added. */
export function createTally(): Tally {
  let images = 0
  let correct = 0
  return {
    add(scores, labels) {
      const right = rowsOf(scores).filter((row, image) => argmax(row) === labels[image]).length
      images += labels.length
      correct += right
      return right
    },
    accuracy: () => correct / Math.max(1, images),
  }
}

/** Compares how sure answers are with how often they are right. */
export interface CalibrationTally {
  /** Probabilities (B, classes) of images with the labels (B). */
  add(probabilities: Tensor, labels: ArrayLike<number>): void
  accuracy(): number
  /** Expected calibration error: mean distance of confidence and accuracy over the bins, 0 … 1. */
  error(): number
}

/**
 * A tally of no images, with `CONFIDENCE_BINS` bins of equal width (Guo et al., arXiv 1706.04599).
 */
export function createCalibrationTally(): CalibrationTally {
  const tally = createTally()
  const bins = Array.from({ length: CONFIDENCE_BINS }, () => ({ confidence: 0, correct: 0 }))
  let images = 0
  return {
    add(probabilities, labels) {
      tally.add(probabilities, labels)
      for (const [image, row] of rowsOf(probabilities).entries()) {
        const best = argmax(row)
        const confidence = row[best] as number
        const bin = bins[Math.min(CONFIDENCE_BINS - 1, Math.floor(confidence * CONFIDENCE_BINS))]
        if (bin === undefined) continue // not a number: in no bin
        bin.confidence += confidence
        bin.correct += best === labels[image] ? 1 : 0
        images += 1
      }
    },
    accuracy: () => tally.accuracy(),
    // |mean confidence − accuracy| of a bin times its share of the images.
    error: () =>
      bins.reduce((sum, { confidence, correct }) => sum + Math.abs(confidence - correct), 0) /
      Math.max(1, images),
  }
}
