import {
  checkPart,
  checkPartInput,
  type Engine,
  ModelError,
  type ModelSpec,
  type Part,
  partName,
  partValues,
  shapesOf,
  type Tensor,
  tensor,
  throwNotLoaded,
} from '@layerswarm/model'
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import { lostLine } from './device-loss.ts'
import { createQueue } from './queue.ts'
import { runPart, type TfjsWeights } from './tfjs-forward.ts'

/** All engines of a thread share one backend, and its memory is accounted for in one place. */
const queue = createQueue()

/**
 * tfjs on WebGPU: the second engine of a GPU, whose kernels have nothing in common with ONNX
 * Runtime's. Its shaders are compiled once per shape and shared by all layers.
 * @throws Error with one line where `navigator.gpu` is missing or gives no adapter.
 */
export async function createTfjsEngine(spec: ModelSpec): Promise<Engine> {
  const { lost } = await openBackend()
  const loaded = new Map<Part, TfjsWeights>()
  let closed = false

  function unload(part: Part): void {
    for (const weight of Object.values(loaded.get(part) ?? {})) weight.dispose()
    loaded.delete(part)
  }

  return {
    name: 'tfjs-webgpu',
    viewsFiles: true,
    lost,
    async load(part, file) {
      return queue(async () => {
        if (closed) throw new Error(`the engine is closed; ${partName(part)} cannot be loaded`)
        checkPart(spec, part, file)
        const shapes = shapesOf(spec, part)
        const weights = Object.entries(partValues(spec, part, file)).map(
          ([name, values]) => [name, tf.tensor(values, [...(shapes[name] ?? [])])] as const,
        )
        unload(part)
        loaded.set(part, Object.fromEntries(weights))
      })
    },
    async run(part, input, hop) {
      checkPartInput(spec, part, input, hop)
      const data = input.data.slice()
      return queue(async () => {
        const weights = loaded.get(part) ?? throwNotLoaded(part)
        const output = tf.tidy(() =>
          runPart(spec, part, weights, tf.tensor(data, [...input.shape]), hop),
        )
        return read(output)
      })
    },
    unload: (part) => queue(async () => unload(part)),
    close: () =>
      queue(async () => {
        closed = true
        for (const part of [...loaded.keys()]) unload(part)
      }),
  }
}

async function read(output: tf.Tensor): Promise<Tensor> {
  try {
    const data = await output.data()
    if (!(data instanceof Float32Array)) {
      throw new ModelError({ code: 'bad-shape', what: 'output' }, 'tfjs gave no float32 output')
    }
    return tensor([...output.shape], data)
  } finally {
    output.dispose()
  }
}

let opening: Promise<{ lost: Promise<string> }> | undefined

/** @returns what ends when the backend's device is lost. */
function openBackend(): Promise<{ lost: Promise<string> }> {
  opening ??= open()
  return opening
}

async function open(): Promise<{ lost: Promise<string> }> {
  // Small tensors would otherwise be computed by other kernels, on the CPU.
  tf.env().set('WEBGPU_CPU_FORWARD', false)
  if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs found no WebGPU adapter')
  await tf.ready()
  const backend = tf.backend()
  if (!(backend instanceof WebGPUBackend)) throw new Error('tfjs opened another backend')
  // Wrapped, because a promise of a promise would wait for the loss.
  return { lost: lostLine(backend.device) }
}
