/** Bounds of the compute of a peer: its worker, its engines and their checks; the unit is the last word of each name. */

/** ONNX Runtime's errors name source files and repeat themselves. */
export const LINE_CHARS_MAX = 240
/** Weight of the newest run in `layerMs`: about the last five runs count. */
export const LAYER_MS_WEIGHT = 0.2
/**
 * Images that concurrent requests for one layer are run as. A graphics card is expected to compute
 * eight images of a small model in little more than the time of one (`bench tab` measures it);
 * processors and software adapters gain nothing.
 */
export const BATCH_IMAGES_MAX = 8
/** Failures without a good run between them, after which the next engine takes over. */
export const FAILURES_PER_ENGINE_MAX = 3
/** A GPU engine that lost its worker this often is not trusted again: drivers seldom recover. */
export const GPU_FAILURES_MAX = 2
/** The hop at which the self-check runs its layer: an engine that ignores it shows above 0 only. */
export const CHECK_HOP = 1
/** Right engines stay below 1e-5, also on GPUs; the wrong ones that we saw were near 1. */
export const SELF_CHECK_RELATIVE_L2_MAX = 1e-3
/** Runs of a timing at most. */
export const TIMED_RUNS_MAX = 5
/** A timing of slow runs goes on for so long. */
export const TIMING_MS_MAX = 250
/** One image through one layer: ViT-L takes a weak graphics device about 20 ms. */
export const SLOW_RUN_MS = 100
/** Wait before the parts are loaded again after a new worker failed too. */
export const RESTORE_RETRY_MS = 3_000
/**
 * Root mean square of an activation. Layer outputs of trained vision transformers lie between 0.1
 * and 100; a thousand times that is the work of a liar or of a broken engine.
 */
export const ACTIVATION_RMS_MAX = 1e5
/** How long the end of a worker waits for a run of native code. */
export const NATIVE_RUN_MS_MAX = 5_000
/** The watchdog counts ticks of this length, or of a quarter of a shorter limit. */
export const WATCHDOG_TICK_MS = 1_000

/**
 * Bytes of layer files that are fetched or loaded at once: one layer of ViT-B in float32, or all of a small model. With
 * six layers of ViT-B at once a peer took twice the memory that it needs afterwards.
 */
export const FILES_UNDER_WAY_BYTES_MAX = 32 << 20

/** How long the worker may be silent before it counts as hung. */
export interface WorkerLimits {
  /** Opening an engine, which may download 4 to 7 MB of runtime over a slow line first. */
  readonly openMs: number
  /** Loading a part: creating a session of ViT-L's size and compiling its shaders. */
  readonly loadMs: number
  /** One run: ViT-B takes 0.1 s in WebAssembly and 10 s on the slowest WebGPU that we measured. */
  readonly runMs: number
}

/** On a slow line and on the slowest devices that we measured. */
export const WORKER_LIMITS: WorkerLimits = Object.freeze({
  openMs: 120_000,
  loadMs: 60_000,
  runMs: 20_000,
})
