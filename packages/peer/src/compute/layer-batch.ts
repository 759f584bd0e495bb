import {
  type ActivationDtype,
  checkPartInput,
  type Engine,
  encodeActivation,
  ModelError,
  type ModelSpec,
  type Tensor,
} from '@layerswarm/model'
import { freeMemory } from '../engine/free-memory.ts'
import type { LayerJob, LayerRun, Reply } from './compute-api.ts'
import { isOnGpu } from './engine-trial.ts'
import { BATCH_IMAGES_MAX } from './limits.ts'
import { checkOutput, decodeInput, Refusal } from './plausible.ts'

/** Numbers of images that a GPU engine runs at once: shaders are compiled for each shape. */
export const BATCH_BUCKETS: readonly number[] = [1, 2, 4, BATCH_IMAGES_MAX]

interface Member {
  readonly at: number
  readonly input: Tensor
}

/**
 * Runs one layer on the activations of several requests as one batch, and answers each by itself.
 * The hops of one batch are equal, unless the model does not look at them. The bytes of the jobs are handed over.
 */
export async function runBatch(
  { spec, engine }: { spec: ModelSpec; engine: Engine },
  layer: number,
  jobs: readonly LayerJob[],
  dtype: ActivationDtype,
): Promise<Reply<LayerRun>[]> {
  const startMs = performance.now()
  const replies: Reply<LayerRun>[] = []
  const members: Member[] = []
  for (const [at, { hop, input }] of jobs.entries()) {
    const decoded = refusable(() => {
      const tensor = decodeInput(input)
      checkPartInput(spec, layer, tensor, hop)
      return tensor
    })
    if ('result' in decoded) members.push({ at, input: decoded.result })
    else replies[at] = decoded
  }
  // Two of them may be one and the same.
  for (const { input } of jobs) freeMemory(input.bytes)
  if (members.length === 0) return replies
  const inputs = members.map(({ input }) => input)
  const stack = stacked(inputs, isOnGpu(engine.name))
  const output = await engine.run(layer, stack, jobs[0]?.hop ?? 0)
  for (const { data } of [stack, ...inputs]) freeMemory(data)
  const ms = performance.now() - startMs
  let image = 0
  for (const { at, input } of members) {
    const own = imagesOf(output, image, input.shape[0] ?? 1)
    image += input.shape[0] ?? 1
    replies[at] = refusable(() => {
      checkOutput(own, layer)
      return { activation: encodeActivation(own, dtype), ms }
    })
  }
  freeMemory(output.data)
  return replies
}

function refusable<T>(job: () => T): Reply<T> {
  try {
    return { result: job() }
  } catch (error) {
    if (error instanceof ModelError || error instanceof Refusal) return { refused: error.message }
    throw error
  }
}

/** Activations (B, T, C) one after the other; padded by empty images up to a bucket. */
function stacked(inputs: readonly Tensor[], padded: boolean): Tensor {
  const [first] = inputs
  if (first === undefined) throw new Error('an empty batch cannot be run')
  const [, ...one] = first.shape
  const images = inputs.reduce((sum, { shape }) => sum + (shape[0] ?? 1), 0)
  const batch = padded ? (BATCH_BUCKETS.find((bucket) => bucket >= images) ?? images) : images
  if (inputs.length === 1 && batch === images) return first
  const values = first.data.length / (first.shape[0] ?? 1)
  const data = new Float32Array(batch * values)
  let at = 0
  for (const input of inputs) {
    data.set(input.data, at)
    at += input.data.length
  }
  return { shape: [batch, ...one], data }
}

function imagesOf(
  { shape: [batch = 1, ...one], data }: Tensor,
  from: number,
  count: number,
): Tensor {
  // A copy of a large output is 600 KB more for the garbage collector, and most batches are of one.
  if (from === 0 && count === batch) return { shape: [count, ...one], data }
  const values = data.length / batch
  return { shape: [count, ...one], data: data.slice(from * values, (from + count) * values) }
}
