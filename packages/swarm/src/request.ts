import type { Hop, RequestId } from './wire/messages.ts'

/** What the requester is content with. */
export interface ClassifyPolicy {
  /** Time until an answer or an error, milliseconds. */
  readonly deadlineMs: number
  /** Fewer applied layers than this are an error instead of an answer. */
  readonly minLayers: number
  /** Layers in the order in which they must run; empty for any order. */
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

/** Why a request has no answer. */
export type FailureFault =
  | { code: 'no-providers' }
  | { code: 'deadline-passed'; hops: number }
  | { code: 'too-few-layers'; applied: number; wanted: number }
  | { code: 'head-failed' }
  | { code: 'cancelled' }

/** One line for people: why there is no answer, and what to do. */
export function failureLine(fault: FailureFault): string {
  switch (fault.code) {
    case 'no-providers':
      return 'no answer: nobody in this swarm hosts a layer; start a peer (`layerswarm peer --join URL`) or open the page in a tab and press Join'
    case 'deadline-passed':
      return `no answer: the deadline passed after ${fault.hops} hops; allow more time with a longer deadline`
    case 'too-few-layers':
      return `no answer: only ${fault.applied} layers could be applied and at least ${fault.wanted} were asked for; wait for more peers or ask for fewer`
    case 'head-failed':
      return 'no answer: this peer could not run the head on the result; see the log for the engine’s own error'
    case 'cancelled':
      return 'the request was cancelled'
    default:
      return fault satisfies never
  }
}
