import { createRequire } from 'node:module'
import { TrainerError } from '../errors.ts'

/** ONNX Runtime's native package as a whole. */
export type OrtNode = typeof import('onnxruntime-node')

/** Whether a package that the trainer uses where it is installed can be found from here. */
function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name)
    return true
  } catch {
    return false
  }
}

/**
 * Loads ONNX Runtime's native package. On Linux and macOS it reports to its maker unless the
 * environment forbids it by then (`docs/privacy.md`), so that is done first.
 * @throws TrainerError `no-engine` where it is not installed.
 */
export async function loadOrtNode(): Promise<OrtNode> {
  process.env.ORT_DISABLE_TELEMETRY = '1'
  if (!isInstalled('onnxruntime-node')) {
    throw new TrainerError(
      { code: 'no-engine', engine: 'cpu' },
      // Its install script downloads libraries for CUDA; what runs on the processor is in the package.
      'training and evaluating take the package onnxruntime-node, which is not installed: run `npm install --ignore-scripts onnxruntime-node`',
    )
  }
  return import('onnxruntime-node')
}

/** The version of ONNX Runtime, "none" where it is not installed. */
export async function ortNodeVersion(): Promise<string> {
  if (!isInstalled('onnxruntime-node')) return 'none'
  const { versions } = (await loadOrtNode()).env
  return versions.node ?? versions.common
}

/** What tfjs computes with in Node; Dawn gives it WebGPU. */
const ON_GRAPHICS = ['webgpu', '@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-webgpu'] as const

/** The packages that training on a graphics card takes and that are not installed. */
export function missingForGraphics(): readonly string[] {
  return ON_GRAPHICS.filter((name) => !isInstalled(name))
}
