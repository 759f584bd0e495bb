import { createRequire } from 'node:module'
import { PeerError } from '../errors.ts'

/** Packages that a peer uses where somebody has installed them, and what a person runs to have them. */
const INSTALL = {
  // Its install script downloads libraries for CUDA; what runs on the processor is in the package.
  'onnxruntime-node': 'npm install --ignore-scripts onnxruntime-node',
  webgpu: 'npm install webgpu',
} as const
/** An optional package by its name. */
export type NativePackage = keyof typeof INSTALL

/** Whether an optional package can be found from here. It may still not run on this machine. */
export function isInstalled(name: NativePackage): boolean {
  try {
    createRequire(import.meta.url).resolve(name)
    return true
  } catch {
    return false
  }
}

/**
 * Keeps ONNX Runtime's native package from reporting to its maker, which it does on Linux and macOS
 * unless the environment forbids it by the time it is loaded (`docs/privacy.md`). To be called in the
 * main thread before a worker loads it: a worker's environment is a copy, which native code does
 * not see.
 */
export function forbidTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY = '1'
}

/** Loads ONNX Runtime's native package. @throws PeerError `no-engine` where it is not installed. */
export async function loadOrtNode(): Promise<typeof import('onnxruntime-node')> {
  forbidTelemetry()
  if (!isInstalled('onnxruntime-node')) throw notInstalled('ort-node', 'onnxruntime-node')
  return import('onnxruntime-node')
}

/** Loads Dawn. @throws PeerError `no-engine` where it is not installed. */
export async function loadDawn(): Promise<typeof import('webgpu')> {
  if (!isInstalled('webgpu')) throw notInstalled('tfjs-webgpu', 'webgpu')
  return import('webgpu')
}

/** What to say of an engine whose package is missing. */
export function notInstalled(engine: string, name: NativePackage): PeerError {
  return new PeerError(
    { code: 'no-engine', engine },
    `engine ${engine} takes the package ${name}, which is not installed: run \`${INSTALL[name]}\`, or choose ort-wasm`,
  )
}
