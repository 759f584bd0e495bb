import type { EncodedActivation } from '@layerswarm/model'
import type { HeadOutcome } from './ports.ts'
import type {
  Activation,
  HeldActivation,
  Hop,
  Message,
  PeerId,
  RequestId,
  TensorHash,
} from './wire/messages.ts'

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

/** Things that happened, in the past tense; for the page, the logs and the metrics. */
export type MemberEvent =
  | { type: 'peer-joined'; peer: PeerId }
  | { type: 'peer-left'; peer: PeerId }
  | { type: 'layers-changed'; hosted: readonly number[] }
  | { type: 'layer-refused'; layer: number; reason: string }
  | { type: 'hop-served'; request: RequestId; hop: number; layer: number; ms: number }
  | { type: 'hop-failed'; request: RequestId; hop: number; layer: number; reason: string }
  | { type: 'step-seen'; request: RequestId; route: readonly Hop[] }
  | { type: 'message-refused'; from: PeerId; reason: string }
  | ({ type: 'progressed' } & Progress)
  | { type: 'answered'; answer: Answer }
  | { type: 'failed'; request: RequestId; fault: FailureFault }

export type FailureFault =
  | { code: 'no-providers' }
  | { code: 'deadline-passed'; hops: number }
  | { code: 'too-few-layers'; applied: number; wanted: number }
  | { code: 'head-failed' }
  | { code: 'cancelled' }

/** What the driver must do; its end comes back as an input. */
export type Effect =
  | { do: 'publish'; message: Message }
  | { do: 'pull'; job: number; tensor: HeldActivation }
  | { do: 'cancel'; job: number }
  | {
      do: 'run-layer'
      job: number
      layer: number
      hop: number
      input: EncodedActivation
    }
  /** Makes a tensor ready to be published from here: in the message, or offered for pulling. */
  | { do: 'prepare'; job: number; tensor: EncodedActivation }
  | { do: 'run-head'; job: number; input: EncodedActivation }
  | { do: 'withdraw'; hash: TensorHash }
  /** This peer floods the lane: hang up on it, neither hear it nor pass on what it says for a while. */
  | { do: 'ban'; peer: PeerId }
  | { do: 'host-layer'; layer: number }
  | { do: 'drop-layer'; layer: number }
  | { do: 'report'; event: MemberEvent }

/** A layer's output, ready to be published, or why there is none. */
export type LayerRun = { activation: Activation; ms: number } | { failure: string }

/** What the driver tells the machine. */
export type Input =
  | { on: 'message'; from: PeerId; message: Message }
  | { on: 'time' }
  | { on: 'disconnected'; peer: PeerId }
  | { on: 'pulled'; job: number; bytes: Uint8Array | undefined }
  | { on: 'prepared'; job: number; activation: Activation | undefined }
  | { on: 'layer-run'; job: number; outcome: LayerRun }
  | { on: 'head-run'; job: number; outcome: HeadOutcome }
  | { on: 'layer-hosted'; layer: number; failure: string | undefined }
  | { on: 'classify'; request: RequestId; activation: Activation; policy: ClassifyPolicy }
  | { on: 'cancelled'; request: RequestId }
  | { on: 'paused'; paused: boolean }
  | { on: 'capacity-set'; layers: number }
  /** From now on layer runs may take this share of the time, above 0 and at most 1. */
  | { on: 'time-share-set'; share: number }
  | { on: 'left' }

/** The encoded tensor inside an inline activation, or around bytes that were pulled. */
export function encoded(activation: Activation, bytes: Uint8Array): EncodedActivation {
  const { dtype, batch, tokens, width } = activation
  return { dtype, shape: [batch, tokens, width], bytes }
}
