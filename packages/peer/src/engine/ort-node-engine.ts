import type { Engine, ModelSpec } from '@layerswarm/model'
import { loadOrtNode } from './native-runtime.node.ts'
import { createOrtEngine, LEAN_ON_PROCESSOR } from './ort-engine.ts'

/**
 * ONNX Runtime's native CPU provider on one thread: a layer per peer and many peers per machine is
 * the usual case, and idle threads that spin would take the time of the others.
 * Its runs block the event loop; a peer uses it in a worker.
 * @throws PeerError `no-engine` where onnxruntime-node is not installed.
 */
export async function createOrtNodeEngine(spec: ModelSpec): Promise<Engine> {
  const session = {
    intra_op: { allow_spinning: '0' },
    // Left alone, int8 weights are multiplied with activations rounded to int8 as well.
    qdq_matmulnbits_accuracy_level: '1',
  } as const
  const options = {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    // An arena for each session keeps what its largest run took: 10 MB a layer of ViT-B, and no time is saved.
    enableCpuMemArena: false,
    extra: { session },
    logSeverityLevel: 3,
  } as const
  const extra = { ...LEAN_ON_PROCESSOR, session: { ...session, ...LEAN_ON_PROCESSOR.session } }
  const how = { options, lean: { extra }, keepsQuantized: true, ownsOutputs: false }
  return createOrtEngine(await loadOrtNode(), 'ort-node', spec, how)
}
