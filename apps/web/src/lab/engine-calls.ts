import type { ModelSpec, Part, Tensor } from '@layerswarm/model'
import type { LabEngine } from './lab-compute.ts'
import { ENGINE_SILENT_MS_MAX, ENGINE_TICK_MS } from './limits.ts'
import type { Asked, Call, Reply } from './serve-engine.ts'

/** An engine in a worker, with every part of a model loaded. */
export interface WorkerEngine extends LabEngine {
  close(): void
}

/** @throws Error with one line when the worker does not start or refuses a part. */
export async function openWorkerEngine(
  spec: ModelSpec,
  files: ReadonlyMap<Part, Uint8Array>,
): Promise<WorkerEngine> {
  const worker = new Worker(new URL('./engine.worker.js', import.meta.url), { type: 'module' })
  const waiting = new Map<
    number,
    { resolve(output: Tensor | undefined): void; reject(error: Error): void }
  >()
  let calls = 0
  let stopped: Error | undefined

  function call(what: Call): Promise<Tensor | undefined> {
    if (stopped !== undefined) return Promise.reject(stopped)
    const id = ++calls
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      worker.postMessage({ id, ...what } satisfies Asked)
    })
  }

  function stop(): void {
    stopped = new Error('The lab’s worker stopped: reload the page.')
    for (const { reject } of waiting.values()) reject(stopped)
    waiting.clear()
    clearInterval(watchdog)
  }
  // Not every end of a worker is told. Ticks are counted, since a tab that was frozen is not to blame its worker.
  let silentMs = 0
  const watchdog = setInterval(() => {
    silentMs = waiting.size === 0 ? 0 : silentMs + ENGINE_TICK_MS
    if (silentMs >= ENGINE_SILENT_MS_MAX) stop()
  }, ENGINE_TICK_MS)

  worker.onmessage = ({ data: reply }: MessageEvent<Reply>) => {
    silentMs = 0
    const asked = waiting.get(reply.id)
    waiting.delete(reply.id)
    if ('error' in reply) asked?.reject(new Error(reply.error))
    else asked?.resolve(reply.output)
  }
  worker.onerror = stop
  worker.onmessageerror = stop
  await call({ open: spec, files: [...files] })
  return {
    async run(part, input, hop) {
      const output = await call({ part, input, hop })
      if (output === undefined) throw new Error('The lab’s worker has no model.')
      return output
    },
    close() {
      worker.terminate()
      stop()
    },
  }
}
