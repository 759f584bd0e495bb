import {
  checkPart,
  checkPartInput,
  type Engine,
  type EngineName,
  elementsOf,
  ModelError,
  type ModelSpec,
  type Part,
  type PartTensors,
  partGraph,
  partName,
  recodePart,
  type Tensor,
  tensor,
  throwNotLoaded,
} from '@layerswarm/model'
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web'
import { freeMemory } from './free-memory.ts'
import { LEAN_FILE_BYTES_MIN } from './limits.ts'
import { createQueue, type Queue } from './queue.ts'

/** What `onnxruntime-node` and every entry of `onnxruntime-web` have in common. */
export interface OrtRuntime {
  readonly InferenceSession: {
    create(graph: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>
  }
  readonly Tensor: {
    new (type: 'float32', data: Float32Array, dims: readonly number[]): OrtTensor
    new (type: 'int64', data: BigInt64Array, dims: readonly number[]): OrtTensor
  }
}

/** One queue per runtime module: engines that share a runtime must not call into it at once. */
const queues = new WeakMap<OrtRuntime['InferenceSession'], Queue>()

function queueOf(ort: OrtRuntime): Queue {
  let queue = queues.get(ort.InferenceSession)
  if (queue === undefined) {
    queue = createQueue()
    queues.set(ort.InferenceSession, queue)
  }
  return queue
}

/** How sessions are opened. */
export interface OrtEngineOptions {
  readonly options: InferenceSession.SessionOptions
  /** Besides, for parts of LEAN_FILE_BYTES_MIN and more whose weights are floats. */
  readonly lean: InferenceSession.SessionOptions
  /**
   * Whether int8 and int4 weights stay as they are stored and are widened for each run: on the native processor provider
   * that halves the memory of a layer. In WebAssembly, whose memory never shrinks, what a run widens takes more than is
   * saved, and twice the time.
   */
  readonly keepsQuantized: boolean
  /** Whether the runtime copies each output out of its memory into memory that is nobody else's. */
  readonly ownsOutputs: boolean
}

/**
 * No second copy of weights: neither transposed and packed ahead, nor the memory that both took, which stays with a
 * process. ONNX Runtime's processor kernels read them as they lie, one layer of ViT-B in 5 % more time, and take 86 MB
 * less for four of them in WebAssembly.
 */
export const LEAN_ON_PROCESSOR = {
  session: { disable_prepacking: '1' },
  optimization: { disable_specified_optimizers: 'ConstantFolding' },
} as const

/** The name under which a session finds the bytes of its safetensors file. */
const WEIGHTS_FILE = 'part.safetensors'

/**
 * An engine of ONNX Runtime: one session per part, from the graph that `partGraph` writes and the
 * safetensors bytes as its external data. Creating, running and releasing sessions go through one
 * strict queue: overlapping calls hang the WebAssembly runtimes for good.
 */
export function createOrtEngine(
  ort: OrtRuntime,
  name: EngineName,
  spec: ModelSpec,
  { options, lean, keepsQuantized, ownsOutputs }: OrtEngineOptions,
): Engine {
  const sessions = new Map<Part, InferenceSession>()
  const queue = queueOf(ort)
  let closed = false

  async function unload(part: Part): Promise<void> {
    const session = sessions.get(part)
    sessions.delete(part)
    await session?.release()
  }

  return {
    name,
    // A session has copied it into its own memory by the time that it is there.
    viewsFiles: false,
    load(part, file) {
      return queue(async () => {
        if (closed) throw new Error(`the engine is closed; ${partName(part)} cannot be loaded`)
        const isQuantized = holdsQuantized(checkPart(spec, part, file))
        const data = isQuantized && !keepsQuantized ? recodePart(spec, part, file, 'F32') : file
        const isLean = data.length >= LEAN_FILE_BYTES_MIN && !(isQuantized && keepsQuantized)
        const layout = { file: WEIGHTS_FILE, tensors: checkPart(spec, part, data) }
        const session = await ort.InferenceSession.create(partGraph(spec, part, layout), {
          ...options,
          ...(isLean ? lean : {}),
          externalData: [{ path: WEIGHTS_FILE, data }],
        })
        if (data !== file) freeMemory(data)
        await unload(part)
        sessions.set(part, session)
      })
    },
    async run(part, input, hop) {
      // The caller's tensor is read now, not when the queue gets there.
      checkPartInput(spec, part, input, hop)
      const x = input.data.slice()
      const feeds = feedsOf(ort, spec, part, { ...input, data: x }, hop)
      return queue(async () => {
        const session = sessions.get(part) ?? throwNotLoaded(part)
        const { y } = await session.run(feeds)
        freeMemory(x)
        return readOutput(y, ownsOutputs)
      })
    },
    unload: (part) => queue(() => unload(part)),
    close: () =>
      queue(async () => {
        closed = true
        for (const part of [...sessions.keys()]) await unload(part)
      }),
  }
}

function holdsQuantized(tensors: PartTensors): boolean {
  return Object.values(tensors).some((entry) => 'scales' in entry)
}

function feedsOf(
  ort: OrtRuntime,
  spec: ModelSpec,
  part: Part,
  input: Tensor,
  hop: number,
): Record<string, OrtTensor> {
  const x = new ort.Tensor('float32', input.data, input.shape)
  return typeof part === 'number' && spec.variant === 'position'
    ? { x, hop: new ort.Tensor('int64', BigInt64Array.of(BigInt(hop)), [1]) }
    : { x }
}

/** Copied unless it is ours: a runtime may reuse the memory of an output for the next run. */
function readOutput(y: OrtTensor | undefined, isOurs: boolean): Tensor {
  if (!(y?.data instanceof Float32Array) || y.data.length !== elementsOf(y.dims)) {
    throw new ModelError({ code: 'bad-shape', what: 'output' }, 'the engine gave no float32 output')
  }
  const output = tensor([...y.dims], isOurs ? y.data : y.data.slice())
  y.dispose()
  return output
}
