import type { EngineName } from '@layerswarm/model'
import { wrap } from 'comlink'
import { PeerError } from '../errors.ts'
import type { ComputeApi } from './compute-api.ts'
import { type ComputeNeeds, createPartCompute, type PartCompute } from './part-compute.ts'
import type { WorkerLimits } from './worker-supervisor.ts'
import type { ComputeWorker, SpawnWorker } from './worker-watch.ts'

export type { ComputeNeeds, PartCompute } from './part-compute.ts'

/**
 * Opens an engine in a worker of its own. `auto` is WebGPU where the browser has a real adapter
 * and the engine computes right on it, and WebAssembly otherwise: software adapters are a hundred
 * times slower than WebAssembly.
 * @throws PeerError `no-engine`.
 */
export async function createCompute(
  needs: ComputeNeeds,
  engine: 'auto' | EngineName,
  limits: Partial<WorkerLimits> = {},
): Promise<PartCompute> {
  const engines = engine === 'auto' ? await preferredEngines() : [engine]
  if (engine === 'ort-webgpu' && (await findAdapter()) === null) {
    throw unavailable(engine, 'this browser gives no WebGPU adapter; choose ort-wasm or auto')
  }
  return createPartCompute(needs, { engines, spawnerOf }, limits)
}

async function preferredEngines(): Promise<readonly EngineName[]> {
  const adapter = await findAdapter()
  return adapter === null || adapter.info.isFallbackAdapter
    ? ['ort-wasm']
    : ['ort-webgpu', 'ort-wasm']
}

/** `navigator.gpu` is missing on insecure pages, and present in browsers that have no adapter. */
async function findAdapter(): Promise<GPUAdapter | null> {
  if (!('gpu' in navigator)) return null
  try {
    return await navigator.gpu.requestAdapter()
  } catch {
    return null
  }
}

function unavailable(engine: EngineName, reason: string): PeerError {
  return new PeerError({ code: 'no-engine', engine }, `engine ${engine}: ${reason}`)
}

function spawnerOf(engine: EngineName): SpawnWorker {
  return (failed): ComputeWorker => {
    const worker = startWorker(engine)
    worker.addEventListener('error', (event) => {
      failed(`the compute worker crashed: ${event.message || 'its script could not be loaded'}`)
    })
    worker.addEventListener('messageerror', () => failed('the compute worker sent garbage'))
    return {
      api: wrap<ComputeApi>(worker),
      async terminate() {
        worker.terminate()
      },
    }
  }
}

/**
 * One worker file per runtime, so that a tab downloads only the one that it uses. The bundler must
 * see each `new Worker(new URL(…))` as it stands here.
 */
function startWorker(engine: EngineName): Worker {
  switch (engine) {
    case 'ort-wasm':
    case 'reference':
      return new Worker(new URL('./compute.worker.wasm.js', import.meta.url), { type: 'module' })
    case 'ort-webgpu':
      // The smaller build needs JavaScript Promise Integration.
      return 'Suspending' in WebAssembly
        ? new Worker(new URL('./compute.worker.jspi.js', import.meta.url), { type: 'module' })
        : new Worker(new URL('./compute.worker.webgpu.js', import.meta.url), { type: 'module' })
    default:
      throw unavailable(engine, 'it does not run in a browser; choose ort-wasm or auto')
  }
}
