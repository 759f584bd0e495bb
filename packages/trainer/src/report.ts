import type { ModelSpec, Preprocessing } from '@layerswarm/model'
import type { CurvePoint } from './checkpoint.ts'
import type { Accuracies } from './evaluate.ts'
import type { Origin } from './origin.ts'

/** What is known about a trained model; `report.json`. */
export interface TrainReport extends Origin {
  readonly name: string
  readonly spec: ModelSpec
  readonly parameters: number
  /** How pictures become inputs; size and channels are those of the spec. */
  readonly preprocessing: Omit<Preprocessing, 'size' | 'channels'>
  readonly dataset: {
    readonly name: string
    readonly labels: readonly string[]
    readonly trainImages: number
    readonly testImages: number
  }
  readonly seed: number
  readonly steps: number
  /** Training images seen in all. */
  readonly imagesSeen: number
  readonly wallSeconds: number
  readonly cpuSeconds: number
  /** On all test images. */
  readonly accuracies: Accuracies
  readonly curve: readonly CurvePoint[]
  /** SHA-256 of model.safetensors, hexadecimal. */
  readonly modelHash: string
  readonly engine: string
  readonly versions: {
    readonly trainer: string
    /** "none" where a training on WebGPU went without it. */
    readonly onnxruntime: string
    readonly node: string
  }
}
