import type { EngineName, ModelSpec } from '@layerswarm/model'
import { PeerError } from '../errors.ts'
import { lineOf, resultOf } from './compute-reply.ts'
import { type EngineTrial, isOnGpu, rankedEngines } from './engine-trial.ts'
import type { WorkerLimits } from './limits.ts'
import { type SpawnWorker, type WatchedWorker, watchWorker } from './worker-watch.ts'

/** What differs between browser and Node. */
export interface ComputePlatform {
  /** Engines that may serve, in the order in which they are tried. */
  readonly engines: readonly EngineName[]
  /** The first that opens, or the fastest of all; either must pass its known-answer check. */
  readonly choose: 'first' | 'fastest'
  /** Engines that are not even tried here, and why. */
  readonly ruledOut: readonly EngineTrial[]
  /** The engine that takes over where GPU engines keep losing their device, if it is not among `engines`. */
  readonly lastResort: EngineName | undefined
  /** How to start a worker that can open this engine. */
  spawnerOf(engine: EngineName): SpawnWorker
}

/** A worker whose engine has passed its check. */
export interface OpenedEngine {
  readonly engine: EngineName
  readonly worker: WatchedWorker
}

/** Opens engines in workers, and remembers what came of each. */
export interface EngineOpener {
  readonly trials: readonly EngineTrial[]
  /** The engine to open now. @throws PeerError `no-engine` when none opens. */
  open(signal: AbortSignal): Promise<OpenedEngine>
  /** No longer considers an engine. False, and nothing changes, when it is the only one left. */
  giveUp(engine: EngineName, reason: string): boolean
  /** No longer considers any engine on the GPU, unless there is no other. */
  giveUpGpu(reason: string): boolean
}

/** @param endedIdle told when an opened worker ends while nobody waits for an answer. */
export function createEngineOpener(
  spec: ModelSpec,
  platform: ComputePlatform,
  limits: WorkerLimits,
  endedIdle: (worker: WatchedWorker, line: string) => void,
): EngineOpener {
  return new PlatformEngines(spec, platform, limits, endedIdle)
}

class PlatformEngines implements EngineOpener {
  private readonly spec: ModelSpec
  private readonly platform: ComputePlatform
  private readonly limits: WorkerLimits
  private readonly endedIdle: (worker: WatchedWorker, line: string) => void
  private readonly results = new Map<EngineName, EngineTrial>()
  private candidates: readonly EngineName[]
  private auditioned: boolean

  constructor(
    spec: ModelSpec,
    platform: ComputePlatform,
    limits: WorkerLimits,
    endedIdle: (worker: WatchedWorker, line: string) => void,
  ) {
    this.spec = spec
    this.platform = platform
    this.limits = limits
    this.endedIdle = endedIdle
    this.candidates = platform.engines
    this.auditioned = platform.choose === 'first' || platform.engines.length < 2
    for (const trial of platform.ruledOut) this.results.set(trial.engine, trial)
  }

  get trials(): readonly EngineTrial[] {
    return [...this.results.values()]
  }

  async open(signal: AbortSignal): Promise<OpenedEngine> {
    const best = this.auditioned ? undefined : await this.audition(signal)
    return best ?? this.firstThatOpens(signal)
  }

  giveUp(engine: EngineName, reason: string): boolean {
    return this.keepOnly(
      this.candidates.filter((one) => one !== engine),
      reason,
    )
  }

  giveUpGpu(reason: string): boolean {
    const { lastResort } = this.platform
    const others = this.candidates.filter((one) => !isOnGpu(one))
    const left = others.length > 0 || lastResort === undefined ? others : [lastResort]
    return this.keepOnly(left, reason)
  }

  /** One after the other, so that they do not slow each other down; keeps the fastest one open. */
  private async audition(signal: AbortSignal): Promise<OpenedEngine | undefined> {
    let best: OpenedEngine | undefined
    let bestMs = Number.POSITIVE_INFINITY
    for (const engine of this.candidates) {
      const opened = await this.timed(engine, signal)
      if (opened === undefined) continue
      const isFaster = opened.layerMs < bestMs
      const loser = isFaster ? best?.worker : opened.worker
      if (isFaster) {
        best = opened
        bestMs = opened.layerMs
      }
      await loser?.terminate('a faster engine serves')
    }
    this.auditioned = true
    this.candidates = rankedEngines(this.trials)
    return best
  }

  /** An opened engine with the time of a layer, or undefined when it is refused. */
  private async timed(
    engine: EngineName,
    signal: AbortSignal,
  ): Promise<(OpenedEngine & { layerMs: number }) | undefined> {
    let worker: WatchedWorker | undefined
    try {
      worker = await this.openEngine(engine, signal)
      const layerMs = resultOf(await worker.ask((api) => api.time(), this.limits.loadMs))
      this.results.set(engine, { engine, layerMs, refused: undefined })
      return { engine, worker, layerMs }
    } catch (error) {
      void worker?.terminate('the engine is refused')
      this.refuse(engine, error, signal)
      return undefined
    }
  }

  private async firstThatOpens(signal: AbortSignal): Promise<OpenedEngine> {
    for (const engine of this.candidates) {
      try {
        const worker = await this.openEngine(engine, signal)
        const layerMs = this.results.get(engine)?.layerMs
        this.results.set(engine, { engine, layerMs, refused: undefined })
        return { engine, worker }
      } catch (error) {
        this.refuse(engine, error, signal)
      }
    }
    const reasons = this.trials.map(({ engine, refused }) => `${engine}: ${refused}`)
    throw new PeerError(
      { code: 'no-engine', engine: this.platform.engines.join(', ') },
      `no engine can compute here (${reasons.join('; ')})`,
    )
  }

  private async openEngine(engine: EngineName, signal: AbortSignal): Promise<WatchedWorker> {
    signal.throwIfAborted()
    const worker: WatchedWorker = watchWorker(this.platform.spawnerOf(engine), (line) =>
      this.endedIdle(worker, line),
    )
    const abandon = () => void worker.terminate('the compute worker is closed')
    signal.addEventListener('abort', abandon, { once: true })
    try {
      resultOf(await worker.ask((api) => api.open(this.spec, engine), this.limits.openMs))
      signal.throwIfAborted()
      // Ends the call that runs at that moment, or the idle worker. When the worker ends first, the
      // question is never answered, and that is all.
      void worker.lost().then((line) => worker.terminate(line))
      return worker
    } catch (error) {
      abandon()
      throw error
    } finally {
      signal.removeEventListener('abort', abandon)
    }
  }

  private refuse(engine: EngineName, error: unknown, signal: AbortSignal): void {
    signal.throwIfAborted()
    const layerMs = this.results.get(engine)?.layerMs
    this.results.set(engine, { engine, layerMs, refused: lineOf(error) })
  }

  private keepOnly(wanted: readonly EngineName[], reason: string): boolean {
    if (wanted.length === 0) return false
    for (const engine of this.candidates.filter((one) => !wanted.includes(one))) {
      this.results.set(engine, {
        engine,
        layerMs: this.results.get(engine)?.layerMs,
        refused: reason,
      })
    }
    this.candidates = wanted
    return true
  }
}
