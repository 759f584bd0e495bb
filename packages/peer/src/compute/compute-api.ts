import type {
  ActivationDtype,
  EncodedActivation,
  EngineName,
  ModelSpec,
  Part,
  Tensor,
} from '@layerswarm/model'

/**
 * A result, or one line that says why what came in is refused. A call that throws instead says
 * that the engine itself is broken and its worker must be replaced.
 */
export type Reply<T> = { readonly result: T } | { readonly refused: string }

/** A layer's output on the wire, and the milliseconds of compute that it took. */
export interface LayerRun {
  readonly activation: EncodedActivation
  readonly ms: number
}

/** One activation that a layer is to be applied to, as a request's hop number `hop`. */
export interface LayerJob {
  readonly hop: number
  readonly input: EncodedActivation
}

/**
 * The boundary of the compute worker, spoken through comlink; `compute-service.ts` is the inside.
 * Decoding, running, checking and encoding all happen in there. Buffers are handed over, not copied.
 */
export interface ComputeApi {
  /** Opens an engine for a model after its self-check; must be the first call. */
  open(spec: ModelSpec, engine: EngineName): Promise<Reply<void>>
  /** The milliseconds of one image through one layer of random weights, of the opened model's size. */
  time(): Promise<Reply<number>>
  /** Ends with one line when the engine's device is lost, and never for an engine without one. */
  lost(): Promise<string>
  /** Loads a part from its safetensors bytes and runs it once. @returns the ms of a warm run. */
  load(part: Part, file: Uint8Array): Promise<Reply<number>>
  unload(part: Part): Promise<Reply<void>>
  /**
   * Runs one layer on several activations at once, (B, T, C) → (B, T, C) each; one that is refused
   * does not hold up the others. Their bytes are the worker's own, which frees them, as it does a part's file.
   */
  runLayer(
    layer: number,
    jobs: readonly LayerJob[],
    dtype: ActivationDtype,
  ): Promise<Reply<readonly Reply<LayerRun>[]>>
  /** (B, channels, H, W) → (B, T, C) */
  runStem(images: Tensor, dtype: ActivationDtype): Promise<Reply<EncodedActivation>>
  /** (B, T, C) → B rows of logits */
  runHead(input: EncodedActivation): Promise<Reply<number[][]>>
  /** Takes no more calls, waits for those that run, and frees the engine. */
  close(): Promise<Reply<void>>
}
