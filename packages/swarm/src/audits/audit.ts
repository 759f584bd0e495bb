import type { EncodedActivation } from '@layerswarm/model'
import type { JobId } from '../jobs.ts'
import type { Activation, PeerId, RequestId, Step } from '../wire/messages.ts'
import type { Agreement } from './agreement.ts'
import { DISPUTE_HOLD_MS, HOLD_MS, RECOUNTS_MAX } from './limits.ts'

/** Layers that came between two steps of a request, and who says that it has run them. */
export interface Stretch {
  readonly before: Step
  readonly after: Step
  /** One peer, or several in a row where the steps between them were not heard here. */
  readonly peers: readonly PeerId[]
  /** In the order in which they were run. */
  readonly layers: readonly number[]
}

/** A recomputation under way: an ordinary request of this member's own, with the layers as its plan. */
export interface Recount {
  readonly request: RequestId
  readonly stem: Step
  readonly untilMs: number
  /** Its last step, once that was heard. */
  last: Step | undefined
}

/** What somebody computed. */
interface Result {
  readonly peers: readonly PeerId[]
  readonly tensor: EncodedActivation
}

/** How an audit ended: whose results agree, and whose do not agree with them. Nobody's where there is no majority. */
export interface Verdict {
  readonly right: readonly (readonly PeerId[])[]
  readonly wrong: readonly (readonly PeerId[])[]
}

/**
 * One stretch of a request that is computed again, by others each time.
 *
 * 1. It ends when two results agree, or when RECOUNTS_MAX recomputations did not make that happen.
 * 2. Nobody takes part in it twice.
 * 3. An answer that waits for it waits HOLD_MS, and DISPUTE_HOLD_MS once two results have been found to differ.
 */
export class Audit {
  readonly stretch: Stretch
  /** Whether an answer waits for it. */
  readonly isAwaited: boolean
  readonly jobs: { input: JobId; readonly output: JobId; readonly result: JobId }
  /** What was said came out of it is here. */
  hasOutput = false
  /** A recomputation is under way, or about to be. */
  isRunning = false
  input: EncodedActivation | undefined
  recount: Recount | undefined
  private readonly results: Result[] = []
  private recounts = 0
  private readonly sinceMs: number

  constructor(stretch: Stretch, isAwaited: boolean, jobs: Audit['jobs'], nowMs: number) {
    this.stretch = stretch
    this.isAwaited = isAwaited
    this.jobs = jobs
    this.sinceMs = nowMs
  }

  get request(): RequestId {
    return this.stretch.after.request
  }

  /** What was said came out of the stretch. */
  get output(): Activation {
    return this.stretch.after.activation
  }

  /** Whether the next recomputation may begin. */
  get isDue(): boolean {
    if (this.isRunning || this.input === undefined) return false
    return this.recounts === 0 || this.isDisputed
  }

  /** Those who have had their say. */
  get heard(): PeerId[] {
    return [...this.stretch.peers, ...this.results.flatMap(({ peers }) => peers)]
  }

  /** Two results differ. */
  get isDisputed(): boolean {
    return this.results.length > 1
  }

  /** Until when an answer waits for it, milliseconds. */
  get holdsUntilMs(): number {
    if (!this.isAwaited && !this.isDisputed) return 0
    return this.sinceMs + (this.isDisputed ? DISPUTE_HOLD_MS : HOLD_MS)
  }

  /** Whether there may be one more recomputation; counts it. */
  takeRecount(): boolean {
    return this.recounts++ < RECOUNTS_MAX
  }

  /** Somebody's result is here. @returns the verdict, once there is one. */
  add(result: Result, agree: Agreement): Verdict | undefined {
    const same = this.results.find(({ tensor }) => agree(tensor, result.tensor))
    this.results.push(result)
    if (same === undefined) return undefined
    const isRight = (one: Result) => one === same || one === result
    return {
      right: this.results.filter(isRight).map(({ peers }) => peers),
      wrong: this.results.filter((one) => !isRight(one)).map(({ peers }) => peers),
    }
  }
}
