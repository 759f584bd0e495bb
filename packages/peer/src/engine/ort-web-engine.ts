import type { Engine, ModelSpec } from '@layerswarm/model'
import type { Env } from 'onnxruntime-web'
import { lostLine } from './device-loss.ts'
import { createOrtEngine, LEAN_ON_PROCESSOR, type OrtRuntime } from './ort-engine.ts'

/** Any entry of `onnxruntime-web`; the caller imports the one that it wants to download. */
export interface OrtWebRuntime extends OrtRuntime {
  readonly env: Env
}

const PROVIDERS = { 'ort-wasm': 'wasm', 'ort-webgpu': 'webgpu' } as const
/** The engines that ONNX Runtime is in a browser. */
export type OrtWebEngineName = keyof typeof PROVIDERS

/**
 * ONNX Runtime in WebAssembly or on WebGPU. One thread, because the bundled runtime would evaluate
 * the caller's whole worker file again in each of its own threads.
 *
 * `ort-webgpu` must only be asked for where an adapter is known to exist: without one the runtime
 * runs in WebAssembly and does not say so.
 */
export async function createOrtWebEngine(
  ort: OrtWebRuntime,
  name: OrtWebEngineName,
  spec: ModelSpec,
): Promise<Engine> {
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'
  const options = {
    executionProviders: [PROVIDERS[name]],
    enableCpuMemArena: false,
    logSeverityLevel: 3,
  } as const
  // On a graphics device nothing is packed, and what is transposed is transposed once.
  const lean = name === 'ort-wasm' ? { extra: LEAN_ON_PROCESSOR } : {}
  const how = { options, lean, keepsQuantized: false, ownsOutputs: true }
  const engine = createOrtEngine(ort, name, spec, how)
  return name === 'ort-webgpu' ? watchingDevice(ort, engine) : engine
}

/** The runtime opens its device with the first session, and another one after it had none. */
function watchingDevice(ort: OrtWebRuntime, engine: Engine): Engine {
  const watched = new WeakSet<GPUDevice>()
  let tellLost: (line: string) => void
  const lost = new Promise<string>((resolve) => {
    tellLost = resolve
  })
  return {
    ...engine,
    lost,
    async load(part, file) {
      await engine.load(part, file)
      const device = await ort.env.webgpu.device
      if (watched.has(device)) return
      watched.add(device)
      void lostLine(device).then(tellLost)
    },
  }
}
