import type { EncodedActivation } from '@layerswarm/model'
import type { JobId } from '../jobs.ts'
import type { Activation, PeerId, RequestId, TensorHash } from '../wire/messages.ts'
import type { Agreement } from './agreement.ts'
import { AGREEING_MIN, FAILURES_MAX, RECOUNTS_MAX } from './limits.ts'
import type { Stretch } from './stretch.ts'

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
 * 1. It ends when AGREEING_MIN results agree, one more where their step is no layer's, or when RECOUNTS_MAX recomputations did not make that happen.
 * 2. Nobody takes part in it twice.
 */
export class Audit {
  readonly stretch: Stretch
  /** Whether an answer waits for it. */
  readonly isAwaited: boolean
  readonly jobs: { input: JobId; readonly output: JobId }
  /** What was said came out of it is here. */
  hasOutput = false
  /** What came out of it comes to be scored, and is not fetched for the audit. */
  isScored = false
  /** Its input is this member's own, and kept for it. */
  kept: TensorHash | undefined
  /** A recomputation is under way, or about to be. */
  isRunning = false
  input: EncodedActivation | undefined
  /** The recomputation under way. */
  recount: RequestId | undefined
  private readonly results: Result[] = []
  private recounts = 0
  private failures = 0
  /** When it was drawn, milliseconds. */
  readonly sinceMs: number

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

  /** Whether there may be one more recomputation; counts it. */
  takeRecount(): boolean {
    return this.failures <= FAILURES_MAX && this.recounts++ < RECOUNTS_MAX
  }

  /** A recomputation came to nothing. */
  failed(): void {
    this.failures++
  }

  /**
   * Somebody's result is here.
   * @param isPlausible whether its step is as large as a layer's: results that are not need one more that agrees.
   * @returns the verdict, once there is one.
   */
  add(result: Result, agree: Agreement, isPlausible = true): Verdict | undefined {
    this.results.push(result)
    const same = this.results.filter((one) => one === result || agree(one.tensor, result.tensor))
    if (same.length < (isPlausible ? AGREEING_MIN : AGREEING_MIN + 1)) return undefined
    return {
      right: same.map(({ peers }) => peers),
      wrong: this.results.filter((one) => !same.includes(one)).map(({ peers }) => peers),
    }
  }
}
