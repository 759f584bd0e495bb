import { ROUNDS_LOSS_POINTS } from './limits.ts'
import type { ModelShape } from './step.ts'
import type { Hop, PeerId, RequestId } from './wire/messages.ts'
import { isMixed } from './wire/weights.ts'

/** So many layers in each round, and what that costs against a tour as it was measured, points of top-1. */
export interface Grouping {
  readonly groups: readonly number[]
  readonly lossPoints: number
}

/** What the requester is content with. */
export interface ClassifyPolicy {
  /** Time from the call until an answer or an error, milliseconds. */
  readonly deadlineMs: number
  /** Fewer applied layers than this are an error instead of an answer. */
  readonly minLayers: number
  /** Layers in the order in which they must run; empty for any order, or for the release's own where it keeps one. */
  readonly plan: readonly number[]
  /** Who is to have no part in it where others host the same layers: asked as long as there is somebody else. */
  readonly avoid: readonly PeerId[]
  /** Stop as soon as every image's best class is at least this probable; undefined to run all layers. */
  readonly stopAtConfidence: number | undefined
  /** Run the head on every step seen, so that the answer sharpens hop by hop; in rounds there are none to be seen. */
  readonly anytime: boolean
  /**
   * Several layers at once on the same input, their updates added up: never; where that should be quicker than a
   * tour; or in these rounds, so many layers in each.
   */
  readonly rounds: 'off' | 'auto' | readonly number[]
  /** For `auto`: the groupings that the model was measured in. */
  readonly groupings: readonly Grouping[]
  /** For `auto`: points of top-1 that a grouping may cost. */
  readonly maxLossPoints: number
}

/** All layers, in any order, within half a minute. */
export const CLASSIFY_POLICY_DEFAULT: ClassifyPolicy = Object.freeze({
  deadlineMs: 30_000,
  minLayers: 1,
  plan: [],
  avoid: [],
  stopAtConfidence: undefined,
  anytime: false,
  rounds: 'off',
  groupings: [],
  maxLossPoints: ROUNDS_LOSS_POINTS,
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
  /** How many of them ran at once on one input, round by round; empty for one after another. */
  readonly rounds: readonly number[]
  /** Layers of the model that were not applied. */
  readonly missingLayers: readonly number[]
  /** What was run again of it when it was given; the event `answer-checked` says what follows. */
  readonly checked: Checked
  /** From the call to the answer, milliseconds. */
  readonly totalMs: number
}

/**
 * The first image's class scores of the answers that had every layer, one after another, and of one release: what a
 * threshold that was measured so can be compared with. @returns (answers, classes)
 */
export function fullTours(answers: readonly Answer[]): (readonly number[])[] {
  return answers.flatMap(({ logits: [row], route, rounds, missingLayers }) => {
    const isFull = rounds.length === 0 && missingLayers.length === 0 && !isMixed(route)
    return row === undefined || !isFull ? [] : [row]
  })
}

/** How far a request has come. */
export interface Progress {
  readonly request: RequestId
  /** The layers applied so far. */
  readonly route: readonly Hop[]
  /** How many of them ran at once on one input, round by round; empty for one after another. */
  readonly rounds: readonly number[]
  /** What the head made of the first `scoredHops` of them, one row per image; undefined before it has run. */
  readonly probabilities: readonly (readonly number[])[] | undefined
  readonly scoredHops: number
}
