import type { EngineName, ModelSpec, Part } from '@layerswarm/model'
import { PeerError } from '../errors.ts'
import type { ComputeApi, Reply } from './compute-api.ts'
import { type SpawnWorker, type WatchedWorker, watchWorker } from './worker-watch.ts'

/** What differs between browser and Node. */
export interface ComputePlatform {
  /** Engines to try, the best first; a later one takes over when an earlier one keeps failing. */
  readonly engines: readonly EngineName[]
  /** How to start a worker that can open this engine. */
  spawnerOf(engine: EngineName): SpawnWorker
}

/** How long the worker may be silent before it counts as hung. */
export interface WorkerLimits {
  /** Opening an engine, which may download 4 to 7 MB of runtime over a slow line first. */
  readonly openMs: number
  /** Loading a part: creating a session of ViT-L's size and compiling its shaders. */
  readonly loadMs: number
  /** One run: ViT-B takes 0.1 s in WebAssembly and 10 s on the slowest WebGPU that we measured. */
  readonly runMs: number
}

const WORKER_LIMITS: WorkerLimits = Object.freeze({
  openMs: 120_000,
  loadMs: 60_000,
  runMs: 20_000,
})

/** Failures without a good run between them, after which the next engine takes over. */
const FAILURES_PER_ENGINE_MAX = 3

export type WorkerCall<T> = (api: ComputeApi) => Promise<Reply<T>>

export interface WorkerSupervisor {
  /** The engine of the present worker, or of the last one. */
  readonly engine: EngineName
  /** Workers that hung or crashed so far. */
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
 * @throws PeerError `no-engine` when no engine opens and passes its self-check.
 */
export async function superviseWorker(
  spec: ModelSpec,
  { engines, spawnerOf }: ComputePlatform,
  options: Partial<WorkerLimits> = {},
): Promise<WorkerSupervisor> {
  const limits = { ...WORKER_LIMITS, ...options }
  const loaded = new Set<Part>()
  let worker: WatchedWorker | undefined
  let choice = 0
  let failures = 0
  let restarts = 0
  let closed = false

  /** Starts the first engine, from the present choice on, that opens and passes its self-check. */
  async function start(): Promise<WatchedWorker> {
    const reasons: string[] = []
    for (const engine of engines.slice(choice)) {
      choice = engines.indexOf(engine)
      const candidate: WatchedWorker = watchWorker(spawnerOf(engine), () => {
        if (worker === candidate && !closed) discard()
      })
      worker = candidate
      try {
        resultOf(await candidate.ask((api) => api.open(spec, engine), limits.openMs))
        return candidate
      } catch (error) {
        worker = undefined
        void candidate.terminate('the compute worker did not open')
        if (closed) throw closedError()
        reasons.push(`${engine}: ${lineOf(error)}`)
      }
    }
    throw new PeerError(
      { code: 'no-engine', engine: engines.join(', ') },
      `no engine can compute here (${reasons.join('; ')})`,
    )
  }

  function discard(): void {
    const gone = worker
    worker = undefined
    void gone?.terminate('the compute worker is replaced')
    loaded.clear()
    restarts += 1
    failures += 1
    if (failures >= FAILURES_PER_ENGINE_MAX && choice + 1 < engines.length) {
      choice += 1
      failures = 0
    }
  }

  await start()
  return {
    get engine() {
      return engines[choice] ?? 'reference'
    },
    get restarts() {
      return restarts
    },
    loaded,
    async call(kind, call) {
      if (closed) throw closedError()
      const asked = worker ?? (await start())
      let reply: Awaited<ReturnType<typeof call>>
      try {
        reply = await asked.ask(call, limits[`${kind}Ms`])
      } catch (error) {
        if (closed) throw closedError()
        discard()
        throw computeError(lineOf(error))
      }
      if (kind === 'run') failures = 0
      return resultOf(reply)
    },
    async close() {
      closed = true
      await worker?.terminate('the compute worker is closed')
    },
  }
}

function resultOf<T>(reply: Reply<T>): T {
  if ('refused' in reply) throw computeError(reply.refused)
  return reply.result
}

export function computeError(reason: string): PeerError {
  return new PeerError({ code: 'compute-failed', reason }, reason)
}

function closedError(): PeerError {
  return computeError('the compute worker is closed')
}

/** ONNX Runtime's errors name source files and repeat themselves. */
const LINE_CHARS_MAX = 240

/** The one line that an error shows to people. */
export function lineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const line = text.split('\n', 1)[0] ?? text
  return line.length <= LINE_CHARS_MAX ? line : `${line.slice(0, LINE_CHARS_MAX - 1)}…`
}
