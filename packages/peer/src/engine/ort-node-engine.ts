import type { Engine, ModelSpec } from '@layerswarm/model'
import { loadOrtNode } from './native-runtime.node.ts'
import { createOrtEngine } from './ort-engine.ts'

/**
 * ONNX Runtime's native CPU provider on one thread: a layer per peer and many peers per machine is
 * the usual case, and idle threads that spin would take the time of the others.
 * Its runs block the event loop; a peer uses it in a worker.
 * @throws PeerError `no-engine` where onnxruntime-node is not installed.
 */
export async function createOrtNodeEngine(spec: ModelSpec): Promise<Engine> {
  return createOrtEngine(await loadOrtNode(), 'ort-node', spec, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    logSeverityLevel: 3,
  })
}
