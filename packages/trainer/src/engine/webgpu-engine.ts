import { elementsOf } from '@layerswarm/model'
import * as tf from '@tensorflow/tfjs-core'
import { TrainerError } from '../errors.ts'
import { type RecordedGraph, recordGraph } from './recorded-graph.ts'
import { computeNode } from './tfjs-kernels.ts'
import type { CompiledGraph, NamedTensors, TrainEngine } from './train-engine.ts'

/** A graphics device that WebGPU offers. */
export interface Adapter {
  readonly description: string
  /** Whether the processor only plays a graphics card. */
  readonly software: boolean
}

/** Dawn's WebGPU, which tfjs looks for where a browser has it; made once per process. */
let gpu: GPU | undefined

async function webgpu(): Promise<GPU> {
  if (gpu === undefined) {
    const { create, globals } = await import('webgpu')
    gpu = create([])
    Object.assign(globalThis, globals)
    // Node 21 and later have a navigator of their own, which cannot be written to.
    Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true })
  }
  return gpu
}

/** The adapter that tfjs would take, undefined if there is none. */
export async function findAdapter(): Promise<Adapter | undefined> {
  const adapter = await (await webgpu()).requestAdapter({ powerPreference: 'high-performance' })
  if (adapter === null) return undefined
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info
  const words = [vendor, architecture, description || device].filter((word) => word !== '')
  return { description: words.join(' '), software: isFallbackAdapter }
}

/**
 * tfjs on WebGPU over Dawn: runs the same graphs as the processor, node by node. Parameters travel
 * to the device and gradients back once per step.
 * @throws TrainerError `no-engine` where there is no adapter.
 */
export async function createWebgpuEngine(): Promise<TrainEngine> {
  const adapter = await findAdapter()
  if (adapter === undefined) {
    throw new TrainerError(
      { code: 'no-engine', engine: 'webgpu' },
      'there is no WebGPU adapter on this machine; train with --engine cpu',
    )
  }
  // It looks for WebGPU while it is loaded.
  await import('@tensorflow/tfjs-backend-webgpu')
  await tf.setBackend('webgpu')
  await tf.ready()
  return {
    name: 'webgpu',
    device: `tfjs ${tf.version_core} webgpu, ${adapter.description}`,
    compile: async (write) => createProgram(recordGraph(write)),
    // The backend belongs to the process: tfjs cannot open a second one after disposing of it.
    async close() {},
  }
}

/** What tfjs holds at present. */
export function tensorsHeld(): number {
  return tf.memory().numTensors
}

function createProgram(graph: RecordedGraph): CompiledGraph {
  const constants = [...graph.constants].map(
    ([name, { values, shape }]) => [name, tf.tensor(values, [...shape])] as const,
  )
  return {
    async run(feeds, fetches) {
      const result = compute(graph, new Map(constants), feeds, Object.keys(fetches))
      try {
        scatter(await result.data(), fetches)
      } finally {
        result.dispose()
      }
    },
    async close() {
      for (const [, tensor] of constants) tensor.dispose()
    },
  }
}

/** Runs all nodes. @returns the wanted outputs behind one another in one vector, read in one go. */
function compute(
  graph: RecordedGraph,
  values: Map<string, tf.Tensor>,
  feeds: NamedTensors,
  wanted: readonly string[],
): tf.Tensor {
  const own = new Set<tf.Tensor>()
  const take = (name: string): tf.Tensor => {
    const value = values.get(name)
    if (value === undefined) throw new TypeError(`the graph has no value "${name}"`)
    return value
  }
  try {
    for (const name of graph.inputs) {
      const feed = feeds[name]
      if (feed === undefined) throw new TypeError(`the input "${name}" is missing`)
      const made = tf.tensor(feed.data, [...feed.shape])
      own.add(made)
      values.set(name, made)
    }
    for (const node of graph.nodes) {
      const made = computeNode(node, node.operands.map(take))
      made.forEach((tensor, at) => {
        own.add(tensor)
        values.set(node.outputs[at] as string, tensor)
      })
      for (const name of node.done) {
        const tensor = values.get(name)
        if (tensor !== undefined && own.delete(tensor)) tensor.dispose()
      }
    }
    return tf.tidy(() =>
      tf.concat(wanted.map((name) => tf.reshape(take(graph.outputs.get(name) ?? name), [-1]))),
    )
  } finally {
    for (const tensor of own) tensor.dispose()
  }
}

function scatter(flat: ArrayLike<number>, fetches: NamedTensors): void {
  let at = 0
  for (const { data, shape } of Object.values(fetches)) {
    const elements = elementsOf(shape)
    for (let i = 0; i < elements; i++) data[i] = flat[at + i] as number
    at += elements
  }
}
