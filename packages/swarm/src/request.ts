import type { ModelShape } from './step.ts'
import type { Hop, RequestId } from './wire/messages.ts'

/** What the requester is content with. */
export interface ClassifyPolicy {
  /** Time from the call until an answer or an error, milliseconds. */
  readonly deadlineMs: number
  /** Fewer applied layers than this are an error instead of an answer. */
  readonly minLayers: number
  /** Layers in the order in which they must run; empty for any order, or for the release's own where it keeps one. */
  readonly plan: readonly number[]
  /** Stop as soon as every image's best class is at least this probable; undefined to run all layers. */
  readonly stopAtConfidence: number | undefined
  /** Run the head on every step seen, so that the answer sharpens hop by hop. */
  readonly anytime: boolean
}

/** All layers, in any order, within half a minute. */
export const CLASSIFY_POLICY_DEFAULT: ClassifyPolicy = Object.freeze({
  deadlineMs: 30_000,
  minLayers: 1,
  plan: [],
  stopAtConfidence: undefined,
  anytime: false,
})

/** The same of a model of this shape: where it keeps its order, all layers in it unless others are named. */
export function policyFor(
  policy: ClassifyPolicy,
  { layers, keepsOrder }: ModelShape,
): ClassifyPolicy {
  if (keepsOrder !== true || policy.plan.length > 0) return policy
  return { ...policy, plan: Array.from({ length: layers }, (_, layer) => layer) }
}

/**
 * What of an answer was run again by others (docs/decisions/0026): a sample, so that no layer need stand in either list.
 * Layers in the order of its route.
 */
export interface Checked {
  /** Those that came out the same. */
  readonly layers: readonly number[]
  /** Those that came out otherwise, or were run by a peer that was outvoted, and not found right. */
  readonly doubted: readonly number[]
}

/** The outcome of a request, honestly labelled. */
export interface Answer {
  readonly request: RequestId
  /** One row of class scores per image. */
  readonly logits: readonly (readonly number[])[]
  readonly probabilities: readonly (readonly number[])[]
  /** The layers that were applied, in their order. */
  readonly route: readonly Hop[]
  /** Layers of the model that were not applied. */
  readonly missingLayers: readonly number[]
  /** What was run again of it when it was given; the event `answer-checked` says what follows. */
  readonly checked: Checked
  /** From the call to the answer, milliseconds. */
  readonly totalMs: number
}

/** How far a request has come. */
export interface Progress {
  readonly request: RequestId
  /** The layers applied so far. */
  readonly route: readonly Hop[]
  /** What the head made of the first `scoredHops` of them, one row per image; undefined before it has run. */
  readonly probabilities: readonly (readonly number[])[] | undefined
  readonly scoredHops: number
}
