import { draw, drawOn } from './draw.ts'
import {
  CLAIM_DELAY_MS_MAX,
  CLAIM_STAGGER_MS,
  CLAIM_TTL_FACTOR,
  CLAIM_TTL_MS_MAX,
  CLAIM_TTL_MS_MIN,
} from './limits.ts'
import type { PeerId, RequestId } from './messages.ts'

/**
 * Who claims a step, and when: the one file to change for another policy.
 *
 * Every provider ranks itself among all that could take the step, by expected finishing time and,
 * among equals, by a draw that all compute alike. The first in rank claims at once; each next one
 * waits a stagger longer, so a dead favourite costs one stagger and nobody has to be asked.
 */
export interface Candidate {
  readonly peer: PeerId
  /** Layer runs that it has claimed and not yet delivered. */
  readonly pending: number
  /** Its own measurement of one layer run, milliseconds. */
  readonly layerMs: number
  /** It let a claim on this request expire. */
  readonly failed: boolean
}

/** Finishing times closer than this count as equal, so that a draw and not noise decides. */
const FINISH_STEP_MS = 16

/** When the candidate would be done if it claimed now, milliseconds from now. */
export function finishMs(candidate: Candidate): number {
  return (candidate.pending + 1) * candidate.layerMs
}

function cost(candidate: Candidate): number {
  const failed = candidate.failed ? 1e6 : 0
  return failed + Math.floor(finishMs(candidate) / FINISH_STEP_MS)
}

/** How long `self` waits before it claims hop `hop`, milliseconds. */
export function claimDelayMs(
  request: RequestId,
  hop: number,
  self: Candidate,
  others: Iterable<Candidate>,
  staggerMs = CLAIM_STAGGER_MS,
): number {
  const ownCost = cost(self)
  const seed = draw(request, hop)
  const ownDraw = drawOn(seed, self.peer)
  let ahead = 0
  for (const other of others) {
    const otherCost = cost(other)
    if (otherCost < ownCost || (otherCost === ownCost && drawOn(seed, other.peer) < ownDraw))
      ahead++
  }
  return Math.min(ahead * staggerMs, CLAIM_DELAY_MS_MAX)
}

/** Of two claims on the same step the one with the lower draw holds. */
export function claimWins(request: RequestId, hop: number, a: PeerId, b: PeerId): boolean {
  const drawA = draw(request, hop, a)
  const drawB = draw(request, hop, b)
  return drawA === drawB ? a < b : drawA < drawB
}

/** How long a claim holds before others may take the step, milliseconds. */
export function claimTtlMs(expectedMs: number): number {
  return Math.min(Math.max(expectedMs * CLAIM_TTL_FACTOR, CLAIM_TTL_MS_MIN), CLAIM_TTL_MS_MAX)
}
