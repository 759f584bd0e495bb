import { elementsOf, type Tensor } from '@layerswarm/model'
import type { GraphWriter } from '../differentiable.ts'

/** What computes the graphs of a training: the processor, or a graphics card. */
export type EngineName = 'cpu' | 'webgpu'

/** Float32 tensors by the names of a graph's inputs or outputs; the caller owns them. */
export type NamedTensors = Readonly<Record<string, Tensor>>

/** A tensor of zeros, to be filled by the caller or by a run. */
export function zeroTensor(shape: readonly number[]): Tensor {
  return { shape, data: new Float32Array(elementsOf(shape)) }
}

/** A graph that is ready to run. */
export interface CompiledGraph {
  /** Runs once: reads `feeds` as they are now and fills `fetches`. One run at a time. */
  run(feeds: NamedTensors, fetches: NamedTensors): Promise<void>
  close(): Promise<void>
}

/**
 * A place to compute. Engines agree within rounding, and one engine gives the same bits for the
 * same inputs on the same device.
 */
export interface TrainEngine {
  readonly name: EngineName
  /** The runtime and its device, for reports. */
  readonly device: string
  /** @param write writes the graph; only standard operators of ONNX, those of the train graphs. */
  compile(write: (graph: GraphWriter) => void): Promise<CompiledGraph>
  /** Gives the device back; its graphs are closed before. */
  close(): Promise<void>
}
