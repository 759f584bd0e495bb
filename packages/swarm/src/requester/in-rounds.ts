import type { EncodedActivation } from '@layerswarm/model'
import type { Audits } from '../audits/audits.ts'
import type { SumRun } from '../audits/stretch.ts'
import type { CoreEffect } from '../effects.ts'
import type { Checked, ClassifyPolicy } from '../request.ts'
import type { Hop, PeerId, RequestId } from '../wire/messages.ts'
import type { Checks } from './checks.ts'
import type { Coverage } from './coverage.ts'

/** What is shared with requests that go by tours. */
export interface InRoundsParts {
  /** Those that are answered in rounds. */
  readonly open: Set<RequestId>
  readonly audits: Audits
  readonly checks: Checks
  readonly coverage: Pick<Coverage, 'bars'>
  /** Draws what follows from audits. */
  readonly settle: (effects: CoreEffect[], nowMs: number) => CoreEffect[]
}

/**
 * What requests that are answered in rounds have of a requester: audits of the sums that come, whom they bar, and
 * what of their answers was run again.
 *
 * 1. A request is open from `begin` to `ended`, and in the hands of its hub meanwhile.
 */
export class InRounds {
  private readonly self: PeerId
  private readonly parts: InRoundsParts

  constructor(self: PeerId, parts: InRoundsParts) {
    this.self = self
    this.parts = parts
  }

  /** @param seed of which audits are drawn; undefined where nothing of it is to be audited. */
  begin(request: RequestId, seed: string | undefined): void {
    this.parts.open.add(request)
    this.parts.audits.begin(request, seed)
  }

  /** A sum has come. @param isDoubted its size says that it is none of so many layers. */
  summed(sum: Omit<SumRun, 'requester'>, isDoubted: boolean, nowMs: number): CoreEffect[] {
    const run = { ...sum, requester: this.self }
    return this.parts.settle(this.parts.audits.summed(run, isDoubted, nowMs), nowMs)
  }

  /** A sum was made again. @param made by whom, and its input with it added; undefined where it came to nothing. */
  recounted(
    request: RequestId,
    made: { readonly hops: readonly Hop[]; readonly output: EncodedActivation } | undefined,
    nowMs: number,
  ): CoreEffect[] {
    const { audits, settle } = this.parts
    const effects =
      made === undefined
        ? audits.failed(request, undefined, nowMs)
        : audits.recounted(request, made.hops, made.output, nowMs)
    return settle(effects, nowMs)
  }

  /** The tags of those who are to have no part in a request. */
  barred(request: RequestId, policy: ClassifyPolicy, nowMs: number): readonly number[] {
    const { audits, coverage } = this.parts
    return coverage.bars(policy, audits.barred(request, nowMs), nowMs)
  }

  /** Whether an answer waits for audits. */
  holds(request: RequestId, route: readonly Hop[], nowMs: number): boolean {
    return this.parts.audits.holds({ request, route }, nowMs)
  }

  /** A request is answered with this route. @returns what was run again of it by now. */
  answered(request: RequestId, route: readonly Hop[]): Checked {
    return this.parts.checks.answered(request, route)
  }

  /** A request has ended. */
  ended(request: RequestId): void {
    const { open, audits, checks } = this.parts
    open.delete(request)
    audits.over(request)
    checks.end(request)
  }

  /** It goes on as a tour. */
  left(request: RequestId): void {
    this.parts.open.delete(request)
  }
}
