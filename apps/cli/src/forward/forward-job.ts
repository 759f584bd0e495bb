import type { ModelSpec, Part, Tensor } from '@layerswarm/model'
import type { ExitDoor, NodeEngineName } from '@layerswarm/peer/node'

/** A forward pass, as it crosses to its thread. */
export interface ForwardJob {
  readonly engine: NodeEngineName
  readonly spec: ModelSpec
  readonly parts: ReadonlyMap<Part, Uint8Array>
  /** (B, channels, H, W) */
  readonly images: Tensor
  readonly order: readonly number[]
}

/** What its thread is started with. */
export interface ForwardThread {
  readonly job: ForwardJob
  /** Where native code runs. */
  readonly door: ExitDoor | undefined
}

/** What came of it. */
export interface ForwardResult {
  /** What computed. */
  readonly engine: string
  /** (B, classes) */
  readonly logits: Tensor
}

/** What the thread says, once. */
export type ForwardNews =
  | { readonly result: ForwardResult }
  | { readonly failed: { readonly code: string; readonly message: string } }
