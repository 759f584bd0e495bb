import { draw, drawMixed } from '../draw.ts'
import {
  CLAIM_DELAY_MS_MAX,
  CLAIM_STAGGER_MS,
  CLAIM_TTL_FACTOR,
  CLAIM_TTL_MS_MAX,
  CLAIM_TTL_MS_MIN,
} from '../limits.ts'
import type { PeerId, RequestId } from '../wire/messages.ts'

/**
 * Who claims a step, and when: the one file to change for another policy.
 *
 * Every provider ranks itself among all that could take the step, by expected finishing time and,
 * among equals, by a draw that all compute alike. The first in rank claims at once; each next one
 * waits a stagger longer, so a dead favourite costs one stagger and nobody has to be asked.
 */
export interface Candidate {
  readonly peer: PeerId
  /** `draw(peer)`, for those who keep it. */
  readonly mark?: number
  /** Layer runs that it has claimed and not yet delivered. */
  readonly pending: number
  /** Its own measurement of one layer run, milliseconds. */
  readonly layerMs: number
  /** How long the activation is on its way to it, milliseconds; 0 for the author of the step. */
  readonly transitMs?: number
  /** It has never delivered anything. */
  readonly unproven?: boolean
  /** Its deliveries take several times as long as usual. */
  readonly slow?: boolean
  /** It let a claim on this request expire. */
  readonly failed: boolean
}

/** Finishing times closer than this count as equal, so that a draw and not noise decides. */
const FINISH_STEP_MS = 16

/** On a network as near as this it does not matter who has the activation already. */
const NEAR_MS = 40

/** When the candidate would be done if it claimed now, milliseconds from now. */
export function finishMs(candidate: Candidate): number {
  return (candidate.transitMs ?? 0) + (candidate.pending + 1) * candidate.layerMs
}

/**
 * Strangers wait behind those who have delivered, as if they needed this much longer; on one step in
 * so many they do not, so that honest newcomers prove themselves and a crowd of idle claimers does
 * not stand before every step.
 */
const UNPROVEN_MS = 400
const TRIAL_ONE_IN = 8

/** Classes first, so that views of the time that differ a little rank alike. */
function cost(candidate: Candidate, seed: number): number {
  const badness = (candidate.failed ? 2e6 : 0) + (candidate.slow === true ? 1e6 : 0)
  // Rounded apart: views of the way differ, and must not shift the steps in which work is compared.
  const workMs = (candidate.pending + 1) * candidate.layerMs
  const transitMs = candidate.transitMs ?? 0
  const way = transitMs < NEAR_MS ? 0 : Math.floor(transitMs / FINISH_STEP_MS)
  const stranger = candidate.unproven === true && seed % TRIAL_ONE_IN !== 0
  const strangeness = stranger ? Math.floor(UNPROVEN_MS / FINISH_STEP_MS) : 0
  return badness + strangeness + way + Math.floor(workMs / FINISH_STEP_MS)
}

/** The candidate's draw for a step; `seed` is `draw(request, hop)`. */
function drawFor(seed: number, { peer, mark }: Candidate): number {
  return drawMixed(seed, mark ?? draw(peer))
}

/** Where a candidate stands among all. */
export interface Rank {
  /** Candidates that claim before it. */
  readonly ahead: number
  /** Who claims at once. */
  readonly favourite: PeerId
}

/** Ranks `self` among the others for hop `hop`. */
export function rankAmong(
  request: RequestId,
  hop: number,
  self: Candidate,
  others: Iterable<Candidate>,
): Rank {
  const seed = draw(request, hop)
  const ownCost = cost(self, seed)
  const ownDraw = drawFor(seed, self)
  let favourite = self.peer
  let bestCost = ownCost
  let bestDraw = ownDraw
  let ahead = 0
  for (const other of others) {
    const otherCost = cost(other, seed)
    if (otherCost > ownCost) continue
    const otherDraw = drawFor(seed, other)
    if (otherCost === ownCost && otherDraw >= ownDraw) continue
    ahead++
    if (otherCost > bestCost || (otherCost === bestCost && otherDraw >= bestDraw)) continue
    favourite = other.peer
    bestCost = otherCost
    bestDraw = otherDraw
  }
  return { ahead, favourite }
}

/** How long a candidate with so many ahead of it waits before it claims, milliseconds. */
export function delayMs(ahead: number, staggerMs: number): number {
  return Math.min(ahead * staggerMs, CLAIM_DELAY_MS_MAX)
}

/** How long `self` waits before it claims hop `hop`, milliseconds. */
export function claimDelayMs(
  request: RequestId,
  hop: number,
  self: Candidate,
  others: Iterable<Candidate>,
  staggerMs = CLAIM_STAGGER_MS,
): number {
  return delayMs(rankAmong(request, hop, self, others).ahead, staggerMs)
}

/** Of two claims on the same step the one with the lower draw holds. */
export function claimWins(request: RequestId, hop: number, a: PeerId, b: PeerId): boolean {
  const seed = draw(request, hop)
  const drawA = drawMixed(seed, draw(a))
  const drawB = drawMixed(seed, draw(b))
  return drawA === drawB ? a < b : drawA < drawB
}

/** How long a claim holds before others may take the step, milliseconds. */
export function claimTtlMs(expectedMs: number): number {
  return Math.min(Math.max(expectedMs * CLAIM_TTL_FACTOR, CLAIM_TTL_MS_MIN), CLAIM_TTL_MS_MAX)
}
