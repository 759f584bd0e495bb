import { createReferenceEngine, type Engine, type ModelSpec } from '@layerswarm/model'
import { createOrtWebEngine } from './ort-web-engine.ts'

/** The engines that a tab can run; those on the GPU first. */
export const BROWSER_ENGINE_NAMES = ['ort-webgpu', 'tfjs-webgpu', 'ort-wasm', 'reference'] as const
/** One of `BROWSER_ENGINE_NAMES`. */
export type BrowserEngineName = (typeof BROWSER_ENGINE_NAMES)[number]

/**
 * An engine in this very thread, a page or a worker, for tests and measurements; a peer has one in a
 * worker of its own. Each runtime is fetched when it is first asked for.
 */
export async function createBrowserEngine(
  name: BrowserEngineName,
  spec: ModelSpec,
): Promise<Engine> {
  switch (name) {
    case 'reference':
      return createReferenceEngine(spec)
    case 'ort-wasm':
      return createOrtWebEngine(await import('onnxruntime-web/wasm'), name, spec)
    case 'ort-webgpu':
      return createOrtWebEngine(await ortWebgpu(), name, spec)
    case 'tfjs-webgpu': {
      const { createTfjsEngine } = await import('./tfjs-engine.ts')
      return createTfjsEngine(spec)
    }
  }
}

/** The smaller build needs JavaScript Promise Integration. */
function ortWebgpu() {
  return 'Suspending' in WebAssembly
    ? import('onnxruntime-web/jspi')
    : import('onnxruntime-web/webgpu')
}
