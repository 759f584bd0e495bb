import { createGraph, type Tensor } from '@layerswarm/model'
import type * as ort from 'onnxruntime-node'
import { loadOrtNode, type OrtNode } from './native-runtime.ts'
import type { NamedTensors, TrainEngine } from './train-engine.ts'

/**
 * ONNX Runtime on the processor; `compile` fails with `no-engine` where onnxruntime-node is not
 * installed.
 * @param threads that one operator may use.
 */
export function createCpuEngine(threads: number): TrainEngine {
  /** Wrapping costs more than small operators do. */
  const wrapped = new WeakMap<Tensor, ort.Tensor>()
  function wrap({ Tensor: OrtTensor }: OrtNode, tensor: Tensor): ort.Tensor {
    const known = wrapped.get(tensor)
    if (known !== undefined) return known
    const made = new OrtTensor('float32', tensor.data, tensor.shape)
    wrapped.set(tensor, made)
    return made
  }
  function wrapAll(runtime: OrtNode, tensors: NamedTensors): Record<string, ort.Tensor> {
    const made: Record<string, ort.Tensor> = {}
    for (const [name, tensor] of Object.entries(tensors)) {
      made[name] = wrap(runtime, tensor)
    }
    return made
  }

  return {
    name: 'cpu',
    device: 'onnxruntime-node cpu',
    async compile(write) {
      const runtime = await loadOrtNode()
      const graph = createGraph('graph')
      write(graph)
      const session = await runtime.InferenceSession.create(graph.serialize(), {
        executionProviders: ['cpu'],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        // Spinning threads take the time of whoever shares the processor.
        extra: { session: { intra_op: { allow_spinning: '0' } } },
        logSeverityLevel: 3,
      })
      return {
        async run(feeds, fetches) {
          await session.run(wrapAll(runtime, feeds), wrapAll(runtime, fetches))
        },
        close: () => session.release(),
      }
    },
    async close() {},
  }
}
