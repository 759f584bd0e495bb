import {
  type ActivationDtype,
  checkPartInput,
  type EncodedActivation,
  type ModelSpec,
  type Tensor,
} from '@layerswarm/model'
import type { Compute } from '@layerswarm/swarm'
import { transfer } from 'comlink'
import type { LayerStore } from '../store/layer-store.ts'
import type { LayerJob, LayerRun, Reply } from './compute-api.ts'
import { lineOf } from './compute-reply.ts'
import type { ComputePlatform } from './engine-opener.ts'
import { isOnGpu } from './engine-trial.ts'
import { createLayerBatcher, type LayerTask } from './layer-batcher.ts'
import { BATCH_IMAGES_MAX, LAYER_MS_WEIGHT, type WorkerLimits } from './limits.ts'
import { createPartKeeper, type PartKeeper } from './part-keeper.ts'
import { type ComputeEvents, createRecovery, type Recovery } from './recovery.ts'
import { superviseWorker, type WorkerSupervisor } from './worker-supervisor.ts'

/** What a compute needs to know of its release. */
export interface ComputeNeeds {
  readonly spec: ModelSpec
  /** It may still be on its way: an engine opens without. */
  readonly store: LayerStore | Promise<LayerStore>
  /** The dtype of the activations that it gives out. */
  readonly wireDtype: ActivationDtype
}

/** The swarm's compute port over an engine in a worker, which is replaced when it hangs or crashes. */
export interface PartCompute extends Compute {
  /** Moving average of what one run of a hosted layer takes, warm-up included; 0 before the first. */
  readonly layerMs: number
  /** Restarts so far, and what came of every engine that this device could run. */
  readonly supervisor: Pick<WorkerSupervisor, 'restarts' | 'trials'>
  /** Runs of a layer, and the batches that they were run in. */
  readonly batches: { readonly runs: number; readonly batches: number }
  /** One listener at a time. */
  listen(events: ComputeEvents): void
  /**
   * Runs the stem: normalised images (B, channels, H, W) → (B, T, C).
   * @throws ModelError `bad-shape`, PeerError.
   */
  stem(images: Tensor): Promise<EncodedActivation>
  /** Ends the worker; whatever still runs reports a failure. */
  close(): Promise<void>
}

/**
 * Calls every callback exactly once.
 * @throws PeerError `no-engine` when none of the engines opens and passes its check; what keeps the store away.
 */
export async function createPartCompute(
  needs: ComputeNeeds,
  platform: ComputePlatform,
  limits: Partial<WorkerLimits> = {},
): Promise<PartCompute> {
  const { spec, wireDtype } = needs
  const batches = { runs: 0, batches: 0 }
  let events: ComputeEvents | undefined
  let recovery: Recovery | undefined
  let layerMs = 0
  const supervisor = await superviseWorker(spec, platform, (line) => recovery?.begin(line), limits)
  const store = await storeOf(needs, supervisor)
  function measured(ms: number): void {
    layerMs = layerMs === 0 ? ms : layerMs + LAYER_MS_WEIGHT * (ms - layerMs)
  }
  const keeper = createPartKeeper(supervisor, store, (part, ms) => {
    if (typeof part === 'number') measured(ms)
  })
  recovery = createRecovery(keeper, () => events)

  async function runTasks(layer: number, take: () => readonly LayerTask[]): Promise<void> {
    let tasks: readonly LayerTask[] = []
    try {
      const runs = await keeper.use(layer, (api) => {
        tasks = take()
        if (tasks.length === 0) return Promise.resolve({ result: [] })
        batches.batches += 1
        batches.runs += tasks.length
        return api.runLayer(layer, tasks.map(jobOf), wireDtype)
      })
      for (const run of runs) if ('result' in run) measured(run.result.ms)
      settle(tasks, runs)
    } catch (error) {
      const failure = { refused: lineOf(error) }
      // A worker that did not even start has taken none.
      if (tasks.length === 0) tasks = take()
      settle(
        tasks,
        tasks.map(() => failure),
      )
    }
  }

  const batcher = createLayerBatcher(
    // Only layers of a `position` model look at the hop.
    ({ layer, hop }) => (spec.variant === 'position' ? `${layer} at ${hop}` : `${layer}`),
    () => (isOnGpu(supervisor.engine) ? BATCH_IMAGES_MAX : 1),
    (layer, take) => void runTasks(layer, take),
  )

  return {
    supervisor,
    batches,
    get backend() {
      return supervisor.engine
    },
    get layerMs() {
      return layerMs
    },
    listen(listener) {
      events = listener
    },
    host(layer, hosted) {
      keeper.keep(layer).then(
        () => hosted(),
        (error) => hosted(lineOf(error)),
      )
    },
    drop: keeper.drop,
    run: (layer, hop, input, finished) => batcher.add({ layer, hop, input, finished }),
    runHead(input, finished) {
      keeper
        .keepOnce('head')
        .then(() => keeper.use('head', (api) => api.runHead(handOver(input))))
        .then(
          (logits) => finished({ logits }),
          (error) => finished({ failure: lineOf(error) }),
        )
    },
    async stem(images) {
      checkPartInput(spec, 'stem', images, 0)
      return runStem(keeper, images, wireDtype)
    },
    async close() {
      recovery?.end()
      keeper.dropAll()
      await supervisor.close()
    },
  }
}

/** The store, once it is there; without one the engine is closed. */
async function storeOf({ store }: ComputeNeeds, supervisor: WorkerSupervisor): Promise<LayerStore> {
  try {
    return await store
  } catch (error) {
    await supervisor.close()
    throw error
  }
}

/** Runs the stem, and loads the head meanwhile: fetched when it is to run, it would come too late. */
async function runStem(
  keeper: PartKeeper,
  images: Tensor,
  wireDtype: ActivationDtype,
): Promise<EncodedActivation> {
  await keeper.keepOnce('stem')
  const output = keeper.use('stem', (api) => api.runStem(images, wireDtype))
  // One that cannot be had now is tried again when it is to run.
  void keeper.keepOnce('head').catch(() => undefined)
  return output
}

/** A copy that goes to the worker without another one: the original is still the caller's. */
function handOver(activation: EncodedActivation): EncodedActivation {
  const bytes = Uint8Array.from(activation.bytes)
  return transfer({ ...activation, bytes }, [bytes.buffer])
}

function jobOf({ hop, input }: LayerTask): LayerJob {
  return { hop, input }
}

function settle(tasks: readonly LayerTask[], runs: readonly Reply<LayerRun>[]): void {
  for (const [at, { finished }] of tasks.entries()) {
    const run = runs[at] ?? { refused: 'the engine gave no result' }
    finished('result' in run ? run.result : { failure: run.refused })
  }
}
