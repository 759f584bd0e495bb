import { createReferenceEngine, type Engine, type ModelSpec } from '@layerswarm/model'
import { createOrtWebEngine } from './ort-web-engine.ts'

/** The engines that a peer in Node can run anywhere, in the order in which it prefers them. */
export const NODE_ENGINE_NAMES = ['ort-node', 'ort-wasm', 'reference'] as const
/** These, and tfjs where the machine has a graphics device. */
export type NodeEngineName = (typeof NODE_ENGINE_NAMES)[number] | 'tfjs-webgpu'

/**
 * An engine in this very thread, for command-line tools and for a compute worker. Each runtime is
 * imported when it is first asked for: they are large, and one process uses one of them.
 * @throws PeerError `no-engine` where the package that an engine takes is not installed, and for
 * `tfjs-webgpu` on a machine without a WebGPU adapter.
 */
export async function createNodeEngine(name: NodeEngineName, spec: ModelSpec): Promise<Engine> {
  switch (name) {
    case 'reference':
      return createReferenceEngine(spec)
    case 'ort-node': {
      const { createOrtNodeEngine } = await import('./ort-node-engine.ts')
      return createOrtNodeEngine(spec)
    }
    case 'ort-wasm':
      return createOrtWebEngine(await import('onnxruntime-web'), 'ort-wasm', spec)
    case 'tfjs-webgpu': {
      const { openDawn } = await import('./dawn.node.ts')
      await openDawn()
      const { createTfjsEngine } = await import('./tfjs-engine.ts')
      return createTfjsEngine(spec)
    }
  }
}
