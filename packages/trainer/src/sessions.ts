import { elementsOf, type ModelSpec, tokensOf } from '@layerswarm/model'
import * as ort from 'onnxruntime-node'
import { layoutOf, type ParameterLayout } from './parameters.ts'
import { gradientName, inferenceGraph, inputName, trainGraph } from './train-graph.ts'

/** Runs forward and backward passes of one batch size. */
export interface TrainSession {
  /** (B·P, channels·p·p), to be filled before `run`. */
  readonly patches: Float32Array
  /** (B, classes), wanted probabilities, to be filled before `run`. */
  readonly targets: Float32Array
  /** Gradients of the last run, flat, by slot. */
  readonly gradients: Float32Array
  /** Applies layer `order[i]` i-th. @returns the mean loss of the batch. */
  run(order: ArrayLike<number>): Promise<number>
  close(): Promise<void>
}

/** Runs forward passes of one batch size. */
export interface InferenceSession {
  /** (B·P, channels·p·p), to be filled before `run`. */
  readonly patches: Float32Array
  /** @returns logits (B, classes); overwritten by the next run. */
  run(order: ArrayLike<number>): Promise<Float32Array>
  close(): Promise<void>
}

export async function createTrainSession(
  spec: ModelSpec,
  batch: number,
  parameters: Float32Array,
  threads: number,
): Promise<TrainSession> {
  const layout = layoutOf(spec)
  const session = await createSession(trainGraph(spec, batch), threads)
  const feedOrder = createFeeder(layout, parameters)
  const patches = emptyPatches(spec, batch)
  const targets = floats([batch, spec.classes])
  const gradients = new Float32Array(layout.elements)
  const loss = new ort.Tensor('float32', new Float32Array(1), [])
  const fetches: Record<string, ort.Tensor> = { loss }
  for (const { part, tensors } of layout.parts) {
    for (const { name, shape, offset, elements } of tensors) {
      const view = gradients.subarray(offset, offset + elements)
      fetches[gradientName(part, name)] = new ort.Tensor('float32', view, shape)
    }
  }
  return {
    patches: patches.data,
    targets: targets.data,
    gradients,
    async run(order) {
      const feeds = { ...feedOrder(order), patches: patches.tensor, targets: targets.tensor }
      await session.run(feeds, fetches)
      return Number(loss.data[0])
    },
    close: () => session.release(),
  }
}

export async function createInferenceSession(
  spec: ModelSpec,
  batch: number,
  parameters: Float32Array,
  threads: number,
): Promise<InferenceSession> {
  const session = await createSession(inferenceGraph(spec, batch), threads)
  const feedOrder = createFeeder(layoutOf(spec), parameters)
  const patches = emptyPatches(spec, batch)
  const logits = floats([batch, spec.classes])
  return {
    patches: patches.data,
    async run(order) {
      const feeds = { ...feedOrder(order), patches: patches.tensor }
      await session.run(feeds, { logits: logits.tensor })
      return logits.data
    },
    close: () => session.release(),
  }
}

function createSession(graph: Uint8Array, threads: number): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(graph, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Spinning threads take the time of whoever shares the processor.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  })
}

function floats(shape: readonly number[]): { data: Float32Array; tensor: ort.Tensor } {
  const data = new Float32Array(elementsOf(shape))
  return { data, tensor: new ort.Tensor('float32', data, shape) }
}

function emptyPatches(spec: ModelSpec, batch: number): { data: Float32Array; tensor: ort.Tensor } {
  return floats([batch * (tokensOf(spec) - 1), spec.channels * spec.patchSize ** 2])
}

/** Makes the inputs that put the layers of `parameters` into the slots of a graph, without copies. */
function createFeeder(
  { parts }: ParameterLayout,
  parameters: Float32Array,
): (order: ArrayLike<number>) => Record<string, ort.Tensor> {
  const tensors = parts.map(({ part, tensors }) => ({
    part,
    tensors: tensors.map(({ name, shape, offset, elements }) => ({
      name,
      tensor: new ort.Tensor('float32', parameters.subarray(offset, offset + elements), shape),
    })),
  }))
  const byPart = new Map(tensors.map((entry) => [entry.part, entry.tensors]))
  return (order) => {
    const feeds: Record<string, ort.Tensor> = {}
    for (const { part, tensors: own } of tensors) {
      const layer = typeof part === 'number' ? (order[part] as number) : part
      for (const { name, tensor } of byPart.get(layer) ?? own) feeds[inputName(part, name)] = tensor
    }
    return feeds
  }
}
