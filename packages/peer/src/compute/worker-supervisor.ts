import type { EngineName, ModelSpec, Part } from '@layerswarm/model'
import type { ComputeApi, Reply } from './compute-api.ts'
import { closedError, computeError, lineOf, resultOf } from './compute-reply.ts'
import { type ComputePlatform, createEngineOpener, type OpenedEngine } from './engine-opener.ts'
import { type EngineTrial, isOnGpu } from './engine-trial.ts'
import {
  FAILURES_PER_ENGINE_MAX,
  GPU_FAILURES_MAX,
  WORKER_LIMITS,
  type WorkerLimits,
} from './limits.ts'

/** One question to the worker. */
export type WorkerCall<T> = (api: ComputeApi) => Promise<Reply<T>>

/** One compute worker after the other, as one that always works. */
export interface WorkerSupervisor {
  /** The engine of the present worker, or of the last one. */
  readonly engine: EngineName
  /** What came of every engine so far. */
  readonly trials: readonly EngineTrial[]
  /** Workers that hung, crashed or lost their device so far. */
  readonly restarts: number
  /** The parts that the present worker holds; kept by the caller, emptied with each new worker. */
  readonly loaded: Set<Part>
  /**
   * One call into the worker, started first if there is none; one at a time. A refusal is an error
   * of this call alone; after a throw, a crash or silence the worker is terminated.
   * @throws PeerError `compute-failed` or `no-engine`.
   */
  call<T>(kind: 'load' | 'run', call: WorkerCall<T>): Promise<T>
  close(): Promise<void>
}

/**
 * Keeps one compute worker going. Replacing the whole worker is the only cure: a crashed GPU
 * process or overlapping calls make ONNX Runtime block its thread for good.
 * @param gone told in one line why a worker is gone; the next call starts another.
 * @throws PeerError `no-engine` when no engine opens and passes its check.
 */
export async function superviseWorker(
  spec: ModelSpec,
  platform: ComputePlatform,
  gone: (line: string) => void,
  options: Partial<WorkerLimits> = {},
): Promise<WorkerSupervisor> {
  const limits = { ...WORKER_LIMITS, ...options }
  const loaded = new Set<Part>()
  const closing = new AbortController()
  const opener = createEngineOpener(spec, platform, limits, (worker, line) => {
    if (current?.worker === worker) discard(line)
  })
  let current: OpenedEngine | undefined
  let engine: EngineName = platform.engines[0] ?? 'reference'
  let failures = 0
  let gpuFailures = 0
  let restarts = 0

  async function start(): Promise<OpenedEngine> {
    try {
      current = await opener.open(closing.signal)
      engine = current.engine
      return current
    } catch (error) {
      throw closing.signal.aborted ? closedError() : error
    }
  }

  function discard(line: string): void {
    if (closing.signal.aborted) return
    const lost = current
    current = undefined
    void lost?.worker.terminate('the compute worker is replaced')
    loaded.clear()
    restarts += 1
    failures += 1
    if (isOnGpu(engine)) gpuFailures += 1
    if (gpuFailures >= GPU_FAILURES_MAX) opener.giveUpGpu(`failed ${gpuFailures} times: ${line}`)
    else if (failures >= FAILURES_PER_ENGINE_MAX) {
      if (opener.giveUp(engine, `failed ${failures} times: ${line}`)) failures = 0
    }
    gone(line)
  }

  await start()
  return {
    get engine() {
      return engine
    },
    get trials() {
      return opener.trials
    },
    get restarts() {
      return restarts
    },
    loaded,
    async call(kind, call) {
      if (closing.signal.aborted) throw closedError()
      const { worker } = current ?? (await start())
      let reply: Awaited<ReturnType<typeof call>>
      try {
        reply = await worker.ask(call, limits[`${kind}Ms`])
      } catch (error) {
        if (closing.signal.aborted) throw closedError()
        if (current?.worker === worker) discard(lineOf(error))
        throw computeError(lineOf(error))
      }
      if (kind === 'run') failures = 0
      return resultOf(reply)
    },
    async close() {
      closing.abort(closedError())
      await current?.worker.terminate('the compute worker is closed')
    },
  }
}
