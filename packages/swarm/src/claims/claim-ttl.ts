import { CLAIM_TTL_FACTOR, CLAIM_TTL_MS_MAX, CLAIM_TTL_MS_MIN } from '../limits.ts'

/** How long a claim holds before others may take the step, milliseconds. @param expectedMs the claimer's own estimate. */
export function claimTtlMs(expectedMs: number): number {
  return Math.min(Math.max(expectedMs * CLAIM_TTL_FACTOR, CLAIM_TTL_MS_MIN), CLAIM_TTL_MS_MAX)
}
