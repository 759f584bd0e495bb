import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { EngineName } from '@layerswarm/model'
import { wrap } from 'comlink'
import { NODE_ENGINE_NAMES } from '../engine/create-engine.node.ts'
import { exitDoor } from '../engine/exit-door.node.ts'
import { forbidTelemetry, isInstalled, notInstalled } from '../engine/native-runtime.node.ts'
import { PeerError } from '../errors.ts'
import type { ComputeApi } from './compute-api.ts'
import type { ComputePlatform } from './engine-opener.ts'
import { NATIVE_RUN_MS_MAX, type WorkerLimits } from './limits.ts'
import { nodeEndpoint } from './node-endpoint.ts'
import { type ComputeNeeds, createPartCompute, type PartCompute } from './part-compute.ts'
import type { ComputeWorker } from './worker-watch.ts'

export type { ComputeNeeds, PartCompute } from './part-compute.ts'

/**
 * Opens an engine in a worker thread. `auto` is ONNX Runtime's native CPU provider where
 * onnxruntime-node is installed and runs, and its WebAssembly elsewhere.
 * @throws PeerError `no-engine`, or `not-built` when run from source without a build.
 */
export async function createCompute(
  needs: ComputeNeeds,
  engine: 'auto' | EngineName,
  limits: Partial<WorkerLimits> = {},
): Promise<PartCompute> {
  return createPartCompute(
    needs,
    nodePlatform(enginesFor(engine, isInstalled('onnxruntime-node'))),
    limits,
  )
}

/**
 * The engines that are tried, in their order.
 * @param hasNative whether onnxruntime-node is installed.
 * @throws PeerError `no-engine` for one that does not run in Node, or whose package is missing.
 */
export function enginesFor(engine: 'auto' | EngineName, hasNative: boolean): readonly EngineName[] {
  if (engine === 'auto') return hasNative ? ['ort-node', 'ort-wasm'] : ['ort-wasm']
  if (!NODE_ENGINE_NAMES.some((known) => known === engine)) {
    throw new PeerError(
      { code: 'no-engine', engine },
      `engine ${engine} does not run in Node; choose one of ${NODE_ENGINE_NAMES.join(', ')}`,
    )
  }
  if (engine === 'ort-node' && !hasNative) throw notInstalled(engine, 'onnxruntime-node')
  return [engine]
}

/** Worker threads that run the compiled worker file: Node 20 cannot start one from TypeScript. */
export function nodePlatform(engines: readonly EngineName[]): ComputePlatform {
  const file = workerFile()
  return {
    engines,
    choose: 'first',
    ruledOut: [],
    lastResort: undefined,
    spawnerOf: (engine) => (failed) => spawnWorker(file, engine, failed),
  }
}

function workerFile(): string {
  const here = fileURLToPath(new URL('./compute.worker.node.js', import.meta.url))
  const file = here.replace(/([\\/])src([\\/]compute[\\/][^\\/]+)$/, '$1dist$2')
  if (!existsSync(file)) {
    throw new PeerError(
      { code: 'not-built', file },
      `${file} is missing: run "npm run build", then try again`,
    )
  }
  return file
}

function spawnWorker(
  file: string,
  engine: EngineName,
  failed: (line: string) => void,
): ComputeWorker {
  forbidTelemetry()
  const { door: workerData, forget } = exitDoor(engine)
  // The parent's flags are not for the worker: a test runner's conditions would lead it to sources.
  const worker = new Worker(file, { name: 'layerswarm-compute', execArgv: [], workerData })
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  worker.once('exit', forget)
  worker.once('error', (error) => failed(`the compute worker crashed: ${String(error)}`))
  worker.once('exit', (code) => failed(`the compute worker ended with code ${code}`))
  const api = wrap<ComputeApi>(nodeEndpoint(worker))
  return {
    api,
    async terminate() {
      if (engine === 'ort-node') {
        // Terminated inside native code, the thread would abort the whole process. One that never
        // comes back is left behind, and does not keep the process alive.
        const idle = api
          .close()
          .catch(() => undefined) // its engine is broken: nothing native runs
          .then(() => worker.terminate())
        worker.unref()
        await within(NATIVE_RUN_MS_MAX, Promise.race([idle, ended]))
      } else {
        await worker.terminate()
      }
    },
  }
}

async function within(limitMs: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs)
  })
  await Promise.race([promise, limit])
  clearTimeout(timer)
}
