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
import { createPartKeeper } from './part-keeper.ts'
import {
  type ComputePlatform,
  lineOf,
  superviseWorker,
  type WorkerLimits,
} from './worker-supervisor.ts'

/** What a compute needs to know of its release. */
export interface ComputeNeeds {
  readonly spec: ModelSpec
  readonly store: LayerStore
  /** The dtype of the activations that it gives out. */
  readonly wireDtype: ActivationDtype
}

/** The swarm's compute port over an engine in a worker, which is replaced when it hangs or crashes. */
export interface PartCompute extends Compute {
  /** Moving average of what one run of a hosted layer takes, warm-up included; 0 before the first. */
  readonly layerMs: number
  /** Workers that hung or crashed so far. */
  readonly restarts: number
  /**
   * Runs the stem: normalised images (B, channels, H, W) → (B, T, C).
   * @throws ModelError `bad-shape`, PeerError.
   */
  stem(images: Tensor): Promise<EncodedActivation>
  /** Ends the worker; whatever still runs reports a failure. */
  close(): Promise<void>
}

/** Weight of the newest run in `layerMs`: about the last five runs count. */
const LAYER_MS_WEIGHT = 0.2

/**
 * Calls every callback exactly once.
 * @throws PeerError `no-engine` when none of the engines opens and passes its self-check.
 */
export async function createPartCompute(
  { spec, store, wireDtype }: ComputeNeeds,
  platform: ComputePlatform,
  limits: Partial<WorkerLimits> = {},
): Promise<PartCompute> {
  const supervisor = await superviseWorker(spec, platform, limits)
  let layerMs = 0
  function measured(ms: number): void {
    layerMs = layerMs === 0 ? ms : layerMs + LAYER_MS_WEIGHT * (ms - layerMs)
  }
  const keeper = createPartKeeper(supervisor, store, (part, ms) => {
    if (typeof part === 'number') measured(ms)
  })

  return {
    get backend() {
      return supervisor.engine
    },
    get layerMs() {
      return layerMs
    },
    get restarts() {
      return supervisor.restarts
    },
    host(layer, hosted) {
      keeper.keep(layer).then(
        () => hosted(),
        (error) => hosted(lineOf(error)),
      )
    },
    drop: keeper.drop,
    run(layer, hop, input, finished) {
      keeper
        .use(layer, (api) => api.runLayer(layer, hop, handOver(input), wireDtype))
        .then(
          (run) => {
            measured(run.ms)
            finished(run)
          },
          (error) => finished({ failure: lineOf(error) }),
        )
    },
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
      await keeper.keepOnce('stem')
      return keeper.use('stem', (api) => api.runStem(images, wireDtype))
    },
    async close() {
      keeper.dropAll()
      await supervisor.close()
    },
  }
}

/** A copy that goes to the worker without another one: the original is still the caller's. */
function handOver(activation: EncodedActivation): EncodedActivation {
  const bytes = Uint8Array.from(activation.bytes)
  return transfer({ ...activation, bytes }, [bytes.buffer])
}
