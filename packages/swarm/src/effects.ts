import type { EncodedActivation } from '@layerswarm/model'
import type { SignedStatement } from './chain/statement.ts'
import type { FailureFault } from './failure.ts'
import type { Halfway, Recount } from './handed-on.ts'
import type { JobId } from './jobs.ts'
import type { ReleaseJudgement } from './mixed-release.ts'
import type { HeadOutcome, LayerOutcome } from './ports.ts'
import type { Answer, Checked, ClassifyPolicy, Progress } from './request.ts'
import type { LaneCount } from './wire/lane-count.ts'
import type {
  Activation,
  HeldActivation,
  Hop,
  Message,
  PeerId,
  RequestId,
  Step,
  TensorHash,
} from './wire/messages.ts'

/** Things that happened, in the past tense; for the page, the logs and the metrics. */
export type MemberEvent =
  | { type: 'peer-joined'; peer: PeerId }
  | { type: 'peer-left'; peer: PeerId }
  /** What it computed was outvoted by two others: it is barred from this member's requests for a while. */
  | { type: 'peer-outvoted'; peer: PeerId }
  /** Layers that others ran for a request of this member's were run again. */
  | { type: 'recomputed'; request: RequestId; layers: number }
  | { type: 'lane-entered'; lane: number }
  /** Layers of another release than the lane's stand in for those of it from now on. */
  | { type: 'release-mixed'; release: string }
  /** Or not: whoever hosts them counts as nobody. */
  | { type: 'release-skipped'; release: string; reason: string }
  | { type: 'layers-changed'; hosted: readonly number[] }
  | { type: 'layer-refused'; layer: number; reason: string }
  | { type: 'hop-served'; request: RequestId; hop: number; layer: number; ms: number }
  | { type: 'hop-failed'; request: RequestId; hop: number; layer: number; reason: string }
  | { type: 'step-seen'; request: RequestId; route: readonly Hop[] }
  | { type: 'message-refused'; from: PeerId; reason: string }
  | ({ type: 'progressed' } & Progress)
  | { type: 'answered'; answer: Answer }
  /** More is known of an answer that was given: another layer was run again, or a peer of its route was outvoted. */
  | { type: 'answer-checked'; request: RequestId; checked: Checked }
  | { type: 'failed'; request: RequestId; fault: FailureFault }

/** What the driver must do; its end comes back as an input. */
export type Effect =
  | { do: 'publish'; message: Message }
  /** To a few, over direct streams. A step that is still to be signed is signed first. */
  | { do: 'tell'; message: Message; to: readonly PeerId[] }
  /** To the author of a step: to choose anew, as this step says, whose link is signed first. */
  | { do: 'ask-again'; step: Step; suspect: PeerId | undefined; to: PeerId }
  /** Says whether these were signed by whoever they say. */
  | { do: 'verify'; job: JobId; statements: readonly SignedStatement[] }
  /** @param isAwaited its holder was to push it. */
  | { do: 'pull'; job: JobId; tensor: HeldActivation; isAwaited: boolean }
  /** Sends an offered tensor to a peer that has not asked. */
  | { do: 'push'; hash: TensorHash; to: PeerId }
  | { do: 'cancel'; job: JobId }
  | {
      do: 'run-layer'
      job: JobId
      layer: number
      hop: number
      input: EncodedActivation
    }
  /** Makes a tensor ready to be published from here: in the message, or offered for others. */
  | { do: 'prepare'; job: JobId; tensor: EncodedActivation }
  | { do: 'run-head'; job: JobId; input: EncodedActivation }
  /** A tensor that is offered from here stays so until it is withdrawn once more. */
  | { do: 'keep'; hash: TensorHash }
  | { do: 'withdraw'; hash: TensorHash }
  /** This peer floods the lane: hang up on it, neither hear it nor pass on what it says for a while. */
  | { do: 'ban'; peer: PeerId }
  /** Speak and listen in this lane only. */
  | { do: 'enter'; lane: number }
  /** Ask how full the lanes are. */
  | { do: 'count-lanes' }
  /** Say whether layers of this release may stand in for those of the lane's. */
  | { do: 'judge-release'; release: string }
  | { do: 'host-layer'; layer: number }
  | { do: 'drop-layer'; layer: number }
  | { do: 'report'; event: MemberEvent }

/** What one part of the core asks of another; the driver never sees it. */
export type CoreEffect =
  | Effect
  /** A request of this member's own goes on from this step. @param suspect whoever was to, and is silent. */
  | { do: 'lead'; step: Step; suspect: PeerId | undefined }
  /** A request of this member's own has ended. @param isPublic the whole lane may follow it, not only who ran it. */
  | { do: 'finish'; step: Step; isPublic: boolean }
  /** Layers are left of a request of this member's own that ran in rounds: it goes on as a tour. */
  | { do: 'go-on'; halfway: Halfway }
  /** A sum of updates is to be made again, by others. */
  | { do: 'recount'; recount: Recount }
  /** That is needed no longer. */
  | { do: 'abandon'; request: RequestId }
  /** What somebody computed is not to be used: requests in rounds that it went into run that round again. */
  | { do: 'distrust'; peer: PeerId }

/** What the driver tells the machine. */
export type Input =
  /** @param via the neighbour that handed it over: its author, or one who passed it on. */
  | { on: 'message'; from: PeerId; via: PeerId; message: Message }
  /** Whether all statements of a job were signed by whoever they say. */
  | { on: 'verified'; job: JobId; isTrue: boolean }
  | { on: 'time' }
  | { on: 'disconnected'; peer: PeerId }
  | { on: 'pulled'; job: JobId; bytes: Uint8Array | undefined }
  | { on: 'prepared'; job: JobId; activation: Activation | undefined }
  | { on: 'layer-run'; job: JobId; outcome: LayerOutcome }
  | { on: 'head-run'; job: JobId; outcome: HeadOutcome }
  | { on: 'layer-hosted'; layer: number; failure: string | undefined }
  /** A request of this member's own: its time begins. @param seed random bytes, hex: what is audited is drawn from it. */
  | { on: 'asked'; request: RequestId; policy: ClassifyPolicy; seed: string }
  /** Its first tensor can be sent. */
  | { on: 'stem-ready'; request: RequestId; activation: Activation }
  /** There will be none. */
  | { on: 'stem-failed'; request: RequestId; reason: string }
  | { on: 'cancelled'; request: RequestId }
  | { on: 'paused'; paused: boolean }
  | { on: 'capacity-set'; layers: number }
  /** From now on layer runs may take this share of the time, above 0 and at most 1. */
  | { on: 'time-share-set'; share: number }
  /** Undefined when nobody could say. */
  | { on: 'lanes-counted'; lanes: readonly LaneCount[] | undefined }
  | { on: 'release-judged'; release: string; judgement: ReleaseJudgement }
  | { on: 'left' }

/** What to do with a tensor that nobody needs. */
export function withdrawn(activation: Activation | undefined): Effect[] {
  return activation?.place === 'held' ? [{ do: 'withdraw', hash: activation.hash }] : []
}

/** The encoded tensor inside an inline activation, or around bytes that were pulled. */
export function encoded(activation: Activation, bytes: Uint8Array): EncodedActivation {
  const { dtype, batch, tokens, width } = activation
  return { dtype, shape: [batch, tokens, width], bytes }
}
