import { type ModelSpec, type Tensor, tokensOf } from '@layerswarm/model'
import {
  type CompiledGraph,
  type NamedTensors,
  type TrainEngine,
  zeroTensor,
} from './engine/train-engine.ts'
import { cutIntoRounds } from './layer-order.ts'
import { layoutOf, type ParameterLayout } from './parameters.ts'
import { createPatchSelection } from './patch-selection.ts'
import { gradientName, inputName, writeInferenceGraph, writeTrainGraph } from './train-graph.ts'

/** Runs forward and backward passes of one batch size. */
export interface TrainSession {
  /** (B·P, channels·p·p) with all patches, to be filled before `run`. */
  readonly patches: Float32Array
  /** (B, classes), wanted probabilities, to be filled before `run`. */
  readonly targets: Float32Array
  /** Gradients of the last run, flat, by slot; zero in slots without a layer. */
  readonly gradients: Float32Array
  /**
   * Applies layer `order[i]` i-th; layers that the order leaves out are skipped.
   * @param kept the patches that are used, by place in reading order, a square number of them; all
   * if it is left out or empty.
   * @param rounds sizes of the rounds into which the order is cut; of one layer if it is left out.
   * @returns the mean loss of the batch.
   */
  run(
    order: ArrayLike<number>,
    kept?: ArrayLike<number>,
    rounds?: readonly number[],
  ): Promise<number>
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

/** A session compiles a graph when it first meets sizes of rounds and a number of patches. */
export function createTrainSession(
  engine: TrainEngine,
  spec: ModelSpec,
  batch: number,
  parameters: Float32Array,
): TrainSession {
  const layout = layoutOf(spec)
  const feedOrder = createFeeder(layout, parameters)
  const patches = emptyPatches(spec, batch)
  const targets = zeroTensor([batch, spec.classes])
  const gradients = new Float32Array(layout.elements)
  const loss = zeroTensor([])
  const passes = new Map<string, Promise<Pass>>()

  async function createPass(rounds: readonly number[], keptPatches: number): Promise<Pass> {
    const slots = rounds.reduce((sum, size) => sum + size, 0)
    const smaller = { ...spec, imageSize: spec.patchSize * Math.sqrt(keptPatches) }
    const graph = await engine.compile((writer) => writeTrainGraph(writer, smaller, batch, rounds))
    const fetches = { loss, ...gradientTensors(layout, gradients, slots) }
    if (keptPatches === tokensOf(spec) - 1) {
      return { graph, run: (feeds) => graph.run(feeds, fetches) }
    }
    const selection = createPatchSelection(spec, smaller, batch, parameters, gradients)
    return {
      graph,
      async run(feeds, kept) {
        const picked = selection.select(patches.data, kept)
        await graph.run({ ...feeds, ...picked }, { ...fetches, ...selection.fetches })
        selection.scatter(kept)
      },
    }
  }

  return {
    patches: patches.data,
    targets: targets.data,
    gradients,
    async run(order, kept = [], rounds = cutIntoRounds(order.length, 1)) {
      const keptPatches = kept.length || tokensOf(spec) - 1
      const key = `${rounds.join('+')} layers, ${keptPatches} patches`
      const pass = passes.get(key) ?? createPass(rounds, keptPatches)
      passes.set(key, pass)
      const { run } = await pass
      if (order.length < spec.layers) gradients.fill(0)
      await run({ ...feedOrder(order), patches, targets }, kept)
      return loss.data[0] as number
    },
    async close() {
      for (const pass of passes.values()) await (await pass).graph.close()
    },
  }
}

/** The graph for one number of layers and of patches. */
interface Pass {
  readonly graph: CompiledGraph
  run(feeds: NamedTensors, kept: ArrayLike<number>): Promise<void>
}

/** Views of the flat gradients under the names of the outputs. */
function gradientTensors(
  { parts }: ParameterLayout,
  gradients: Float32Array,
  slots: number,
): NamedTensors {
  const named = parts
    .filter(({ part }) => typeof part !== 'number' || part < slots)
    .flatMap(({ part, tensors }) =>
      tensors.map(({ name, shape, offset, elements }) => {
        const data = gradients.subarray(offset, offset + elements)
        return [gradientName(part, name), { shape, data }] as const
      }),
    )
  return Object.fromEntries(named)
}

/**
 * Compiles the forward pass for batches of one size.
 * @param parameters flat, as `layoutOf(spec)` says; not copied, so that every run sees them as
 * they are then.
 */
export async function createInferenceSession(
  engine: TrainEngine,
  spec: ModelSpec,
  batch: number,
  parameters: Float32Array,
): Promise<InferenceSession> {
  const graph = await engine.compile((writer) => writeInferenceGraph(writer, spec, batch))
  const feedOrder = createFeeder(layoutOf(spec), parameters)
  const patches = emptyPatches(spec, batch)
  const logits = zeroTensor([batch, spec.classes])
  return {
    patches: patches.data,
    async run(order) {
      await graph.run({ ...feedOrder(order), patches }, { logits })
      return logits.data
    },
    close: () => graph.close(),
  }
}

function emptyPatches(spec: ModelSpec, batch: number): Tensor {
  return zeroTensor([batch * (tokensOf(spec) - 1), spec.channels * spec.patchSize ** 2])
}

/** Makes the inputs that put the layers of `parameters` into the slots of a graph, without copies. */
function createFeeder(
  { parts }: ParameterLayout,
  parameters: Float32Array,
): (order: ArrayLike<number>) => NamedTensors {
  const tensors = parts.map(({ part, tensors }) => ({
    part,
    tensors: tensors.map(({ name, shape, offset, elements }) => ({
      name,
      tensor: { shape, data: parameters.subarray(offset, offset + elements) },
    })),
  }))
  const byPart = new Map(tensors.map((entry) => [entry.part, entry.tensors]))
  return (order) => {
    const feeds: Record<string, Tensor> = {}
    for (const { part, tensors: own } of tensors) {
      if (typeof part === 'number' && part >= order.length) continue
      const layer = typeof part === 'number' ? (order[part] as number) : part
      for (const { name, tensor } of byPart.get(layer) ?? own) feeds[inputName(part, name)] = tensor
    }
    return feeds
  }
}
