import type { ModelSpec, Part } from './spec.ts'
import type { Tensor } from './tensor.ts'

/**
 * Runs the parts of one model. The port behind which ONNX Runtime, tfjs and the plain-loop
 * reference stand; every implementation passes `engine-acceptance.ts`.
 *
 * Calls may overlap; an implementation that cannot compute two at once queues them itself.
 */
export interface Engine {
  /** What computes; peers tell each other. */
  readonly name: EngineName
  /** Whether a loaded part goes on reading the file that it was given; otherwise the file's memory may be freed. */
  readonly viewsFiles: boolean
  /**
   * Ends with one line when the device that the engine computes on is gone: the engine is of no use
   * afterwards. Absent where there is no device to lose.
   */
  readonly lost?: Promise<string>
  /**
   * Takes the safetensors bytes of a part; a second call for the same part replaces it. The caller does not change the
   * file afterwards, unless the engine does not view it: it copies no more of it than it computes with.
   */
  load(part: Part, file: Uint8Array): Promise<void>
  /**
   * Runs one part. Shapes: stem (B, channels, H, W) → (B, T, C), layer (B, T, C) → (B, T, C),
   * head (B, T, C) → logits (B, classes).
   * @param hop the position in which the layer is applied, from 0; only `position` layers use it.
   * @throws ModelError `not-loaded` when the part was never loaded, `bad-shape` for a wrong input.
   */
  run(part: Part, input: Tensor, hop: number): Promise<Tensor>
  /** Frees a part; unknown parts are ignored. */
  unload(part: Part): Promise<void>
  /** Frees everything; the engine cannot be used afterwards. A second call does nothing. */
  close(): Promise<void>
}

/** `ort-webgpu` and `tfjs-webgpu` compute on the GPU, the others on the CPU. */
export const ENGINE_NAMES = [
  'reference',
  'ort-node',
  'ort-wasm',
  'ort-webgpu',
  'tfjs-webgpu',
] as const

/** One of `ENGINE_NAMES`. */
export type EngineName = (typeof ENGINE_NAMES)[number]

/** Opens an engine for models of one spec, before any of its parts is loaded. */
export type CreateEngine = (spec: ModelSpec) => Promise<Engine>
