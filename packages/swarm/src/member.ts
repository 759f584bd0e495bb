import type { EncodedActivation } from '@layerswarm/model'
import type { CoreOptions } from './core-options.ts'
import type { MemberEvent } from './effects.ts'
import type { ReleaseJudgement } from './mixed-release.ts'
import type { Clock, Compute, Random, Transport } from './ports.ts'
import type { Answer, ClassifyPolicy, Progress } from './request.ts'
import type { MemberSnapshot } from './snapshot.ts'
import type { RequestId } from './wire/messages.ts'

/** What a member runs on. */
export interface MemberPorts {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly compute: Compute
}

/** What a member must be told, and what it may be told. */
export type MemberOptions = Pick<CoreOptions, 'release' | 'shape'> &
  Partial<
    Pick<
      CoreOptions,
      | 'policy'
      | 'serve'
      | 'capacity'
      | 'slots'
      | 'timeShare'
      | 'staggerMs'
      | 'lane'
      | 'weights'
      | 'laneProviders'
      | 'audits'
      | 'agree'
      | 'isPlausible'
      | 'arithmetic'
      | 'addresses'
      | 'links'
    >
  > & {
    /** Tensors up to this many bytes ride in the message, at most and by default INLINE_BYTES_MAX. */
    readonly inlineBytes?: number
    /** Says whether layers of a release may stand in for those of the lane's; unless given, none may. */
    readonly judgeRelease?: (release: string, judged: (judgement: ReleaseJudgement) => void) => void
  }

/** What came of a stem: its output, (B, T, C), or in one line why there is none. */
export type StemOutcome = { readonly stem: EncodedActivation } | { readonly failure: string }

/** A stem that is still to run: it is called at once, and says once what came of it. */
export type StemRun = (finished: (outcome: StemOutcome) => void) => void

/** A request that was sent off. */
export interface Classification {
  readonly request: RequestId
  /** Rejects with a SwarmError. */
  readonly answer: Promise<Answer>
  onProgress(listener: (progress: Progress) => void): () => void
  cancel(): void
}

/** A member of a lane: asks, serves, or both. */
export interface Member {
  start(): void
  /** Says goodbye; publishes before it returns. */
  leave(): void
  /** Leaves and lets go of the clock and the transport; open requests fail as cancelled. */
  stop(): void
  on(listener: (event: MemberEvent) => void): () => void
  snapshot(): MemberSnapshot
  /**
   * Asks the lane. The deadline counts from this call, whatever the stem takes.
   * @param stem its output, (B, T, C), or what runs it.
   * @throws SwarmError `bad-request` for an impossible policy or tensor; of a stem that runs yet, the answer
   * fails with `stem-failed`.
   */
  classify(stem: EncodedActivation | StemRun, policy?: Partial<ClassifyPolicy>): Classification
  /** Like `classify`, for those who take the outcome from the events `answered` and `failed`. */
  ask(stem: EncodedActivation, policy?: Partial<ClassifyPolicy>): RequestId
  pause(): void
  resume(): void
  /** How many layers to host in `auto` mode. */
  setCapacity(layers: number): void
  /** How much of the time layer runs may take, above 0 and at most 1. */
  setTimeShare(share: number): void
}
