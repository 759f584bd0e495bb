import { existsSync, readdirSync } from 'node:fs'
import { TrainerError } from '../errors.ts'
import { createCpuEngine } from './cpu-engine.ts'
import { loadOrtNode, missingForGraphics } from './native-runtime.ts'
import type { EngineName, TrainEngine } from './train-engine.ts'

/**
 * Opens an engine: the one that is named, or else WebGPU where the machine has a graphics card and
 * the processor where it has none. An adapter in software counts as none: it is slower than the
 * processor itself.
 * @param threads that the processor's engine may use.
 * @throws TrainerError `no-engine` when WebGPU is named and missing, or a package is not installed.
 */
export async function openEngine(
  wanted: EngineName | undefined,
  threads: number,
): Promise<TrainEngine> {
  if (wanted === 'cpu') return openCpu(threads)
  if (wanted === undefined && !mayHaveGraphics()) return openCpu(threads)
  const missing = missingForGraphics()
  if (missing.length > 0) {
    if (wanted === undefined) return openCpu(threads)
    throw new TrainerError(
      { code: 'no-engine', engine: 'webgpu' },
      `training on a graphics card takes packages that are not installed: run \`npm install ${missing.join(' ')}\`, or train with --engine cpu`,
    )
  }
  // Loaded when needed: Dawn is large, and complains where Vulkan is missing.
  const { createWebgpuEngine, findAdapter } = await import('./webgpu-engine.ts')
  if (wanted === 'webgpu') return createWebgpuEngine()
  const adapter = await findAdapter()
  const real = adapter !== undefined && !adapter.software
  return real ? createWebgpuEngine() : openCpu(threads)
}

/** Fails now, before data are read, where the runtime is not installed. */
async function openCpu(threads: number): Promise<TrainEngine> {
  await loadOrtNode()
  return createCpuEngine(threads)
}

/** Linux shows its graphics cards as devices; elsewhere only trying tells. */
function mayHaveGraphics(): boolean {
  if (process.platform !== 'linux') return true
  if (existsSync('/dev/nvidiactl') || existsSync('/dev/dxg')) return true
  return existsSync('/dev/dri') && readdirSync('/dev/dri').some((name) => name.startsWith('render'))
}
