import type { Halfway, Opening } from '../handed-on.ts'
import type { ClassifyPolicy } from '../request.ts'
import type { RequestId, Step } from '../wire/messages.ts'

/** The first step of a request, as it is published now. */
export function firstStep(
  of: Pick<Halfway, 'request' | 'opening' | 'route' | 'activation'> &
    Pick<Step, 'requester' | 'barred'>,
  nowMs: number,
): Step {
  const { opening, ...own } = of
  const { policy, startedMs } = opening
  const endsAtMs = startedMs + policy.deadlineMs
  return {
    kind: 'step',
    ...own,
    endsAtMs: Math.floor(endsAtMs),
    era: 0,
    chain: [],
    plan: policy.plan,
    input: undefined,
    next: undefined,
    silent: [],
    isPrivate: false,
    remainingMs: endsAtMs - nowMs,
  }
}

/**
 * Requests whose stem has not run: their time passes, and there is nothing to offer yet.
 *
 * 1. A request is one of these from the call until its first tensor is here, or its end.
 */
export class Openings {
  private readonly open = new Map<RequestId, Opening>()

  get size(): number {
    return this.open.size
  }

  /** A request is asked now. */
  begin(request: RequestId, policy: ClassifyPolicy, nowMs: number, seed?: string): void {
    this.open.set(request, { policy, startedMs: nowMs, seed })
  }

  /** What was asked of one of these; undefined where it is none. */
  get(request: RequestId): Opening | undefined {
    return this.open.get(request)
  }

  /** It is one of these no longer. @returns undefined where it was none. */
  take(request: RequestId): Opening | undefined {
    const opening = this.open.get(request)
    this.open.delete(request)
    return opening
  }

  /** Those whose deadline has come are none of these any longer. @returns each with its deadline from the call, milliseconds. */
  takeDue(nowMs: number): [RequestId, number][] {
    const due = [...this.open].filter(([, one]) => nowMs >= endMs(one))
    for (const [request] of due) this.open.delete(request)
    return due.map(([request, { policy }]) => [request, policy.deadlineMs])
  }

  /** When one of them is due next, milliseconds. */
  wakeAtMs(): number {
    return Math.min(...[...this.open.values()].map(endMs))
  }
}

function endMs({ policy, startedMs }: Opening): number {
  return startedMs + policy.deadlineMs
}
