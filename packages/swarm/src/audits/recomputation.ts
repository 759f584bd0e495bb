import { PUSH_BYTES_PER_MS } from '../limits.ts'
import { heldBytes, isHolder } from '../step.ts'
import type { PeerId, RequestId, Step } from '../wire/messages.ts'
import { RECOUNT_MS } from './limits.ts'

/** What is to be run again. */
export interface Recomputation {
  readonly self: PeerId
  readonly request: RequestId
  /** The step that it begins at. */
  readonly from: Step
  /** In the order in which they are run. */
  readonly layers: readonly number[]
  /** The tags of those who are to have no part in it. */
  readonly barred: readonly number[]
}

/** The first step of a recomputation: it goes on from that of another request, whose tensor is where it was. */
export function stemOf(
  { self, request, from, layers, barred }: Recomputation,
  nowMs: number,
): Step {
  const recountMs = RECOUNT_MS + ((layers.length + 1) * heldBytes(from)) / PUSH_BYTES_PER_MS
  return {
    kind: 'step',
    request,
    requester: self,
    endsAtMs: Math.floor(nowMs + recountMs),
    era: 0,
    route: from.route,
    chain: [],
    plan: [...from.route.map(({ layer }) => layer), ...layers],
    activation: from.activation,
    input: undefined,
    next: undefined,
    silent: [],
    barred,
    isPrivate: true,
    remainingMs: recountMs,
  }
}

/** Whether a step's tensor is this member's to give, or in the message. */
export function isHeldBy(self: PeerId, step: Step): boolean {
  return step.activation.place === 'inline' || isHolder(self, step)
}

/** Whether a requester may have others begin here: its tensor is in the message, its own, or that of somebody on the route. */
export function canBeginAt(step: Step, self: PeerId): boolean {
  return isHeldBy(self, step) || step.route.some(({ peer }) => isHolder(peer, step))
}
