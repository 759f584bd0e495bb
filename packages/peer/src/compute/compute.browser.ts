import type { EngineName } from '@layerswarm/model'
import { wrap } from 'comlink'
import { PeerError } from '../errors.ts'
import type { ComputeApi } from './compute-api.ts'
import type { ComputePlatform } from './engine-opener.ts'
import { isOnGpu } from './engine-trial.ts'
import type { WorkerLimits } from './limits.ts'
import { type ComputeNeeds, createPartCompute, type PartCompute } from './part-compute.ts'
import type { ComputeWorker, SpawnWorker } from './worker-watch.ts'

export type { ComputeNeeds, PartCompute } from './part-compute.ts'

/**
 * Opens an engine in a worker of its own. `auto` checks and times every engine that this device
 * offers and takes the fastest that computes right.
 * @throws PeerError `no-engine`.
 */
export async function createCompute(
  needs: ComputeNeeds,
  engine: 'auto' | EngineName,
  limits: Partial<WorkerLimits> = {},
): Promise<PartCompute> {
  const adapter = await findAdapter()
  if (engine !== 'auto' && isOnGpu(engine) && adapter === undefined) {
    throw unavailable(engine, 'this browser gives no WebGPU adapter; choose ort-wasm or auto')
  }
  const gpuRefused = whyNoGpu(adapter)
  const isGpuOffered = gpuRefused === undefined
  const platform: ComputePlatform = {
    engines:
      engine !== 'auto' ? [engine] : isGpuOffered ? [...GPU_ENGINES, 'ort-wasm'] : ['ort-wasm'],
    choose: engine === 'auto' ? 'fastest' : 'first',
    ruledOut:
      engine !== 'auto' || isGpuOffered
        ? []
        : GPU_ENGINES.map((name) => ({ engine: name, layerMs: undefined, refused: gpuRefused })),
    lastResort: 'ort-wasm',
    spawnerOf,
  }
  return createPartCompute(needs, platform, limits)
}

const GPU_ENGINES: readonly EngineName[] = ['ort-webgpu', 'tfjs-webgpu']

/** Why the GPU engines are not tried, or undefined when they are. */
function whyNoGpu(adapter: GPUAdapter | undefined): string | undefined {
  if (adapter === undefined) return 'this browser gives no WebGPU adapter'
  const { isFallbackAdapter, vendor, architecture } = adapter.info
  return isFallbackAdapter
    ? `the only WebGPU adapter is software (${vendor} ${architecture}), a hundred times slower than WebAssembly`
    : undefined
}

/** `navigator.gpu` is missing on insecure pages, and present in browsers that have no adapter. */
async function findAdapter(): Promise<GPUAdapter | undefined> {
  if (!('gpu' in navigator)) return undefined
  try {
    return (await navigator.gpu.requestAdapter()) ?? undefined
  } catch {
    return undefined
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
    case 'tfjs-webgpu':
      return new Worker(new URL('./compute.worker.tfjs.js', import.meta.url), { type: 'module' })
    default:
      throw unavailable(engine, 'it does not run in a browser; choose ort-wasm or auto')
  }
}
