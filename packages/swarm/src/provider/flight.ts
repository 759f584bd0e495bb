import type { PeerId, Step, TensorHash } from '../wire/messages.ts'

/** A layer run that this provider has claimed. */
export interface Job {
  readonly id: number
  readonly layer: number
  readonly hop: number
  phase: 'pulling' | 'running'
}

/** One request as a provider sees it. */
export interface Flight {
  base: Step
  /** The step before `base`, to go back to when the tensor of `base` is lost. */
  previous: Step | undefined
  /** When `base` was seen. */
  baseAtMs: number
  /** A claim on `base` came to nothing, or it was offered again: its time says nothing of the lane. */
  disturbed: boolean
  deadlineMs: number
  claim: { readonly peer: PeerId; readonly untilMs: number } | undefined
  bidAtMs: number
  job: Job | undefined
  /** The newest tensor cannot be had and there is no older step: only the requester can go on. */
  lost: boolean
  /** Who will not do `base`, mostly because its tensor cannot be pulled from there. */
  readonly gaveUp: Set<PeerId>
  /** Pulls of its tensor that failed, here or elsewhere. */
  pullsFailed: number
  /** Who should claim `base` at once, as this peer sees it. */
  favourite: PeerId | undefined
  /** When this peer last published a step of its own. */
  saidAtMs: number
  /** Who let a claim on this request come to nothing. */
  readonly failed: Set<PeerId>
  /** This peer's own outputs that others may still pull. */
  readonly held: { readonly hash: TensorHash; readonly hop: number }[]
}

export function openFlight(step: Step, nowMs: number): Flight {
  return {
    base: step,
    previous: undefined,
    baseAtMs: nowMs,
    disturbed: false,
    deadlineMs: nowMs + step.remainingMs,
    claim: undefined,
    bidAtMs: Number.POSITIVE_INFINITY,
    job: undefined,
    lost: false,
    gaveUp: new Set(),
    pullsFailed: 0,
    favourite: undefined,
    saidAtMs: Number.NEGATIVE_INFINITY,
    failed: new Set(),
    held: [],
  }
}

/** Goes on to a newer step. @param previous the step that it follows, if that is known. */
export function advanceFlight(
  flight: Flight,
  step: Step,
  previous: Step | undefined,
  nowMs: number,
): void {
  flight.previous = previous
  flight.base = step
  flight.baseAtMs = nowMs
  flight.disturbed = false
  flight.lost = false
  flight.deadlineMs = nowMs + step.remainingMs
  beginStep(flight)
}

/** Goes back to an older step, in a new era: the newest tensor cannot be had. */
export function returnFlight(flight: Flight, previous: Step): void {
  flight.base = { ...previous, era: flight.base.era + 1 }
  flight.previous = undefined
  flight.disturbed = true
  beginStep(flight)
}

function beginStep(flight: Flight): void {
  flight.gaveUp.clear()
  flight.pullsFailed = 0
  flight.favourite = undefined
}

/** Whether somebody's claim on the newest step holds. */
export function isClaimed({ claim }: Flight, nowMs: number): boolean {
  return claim !== undefined && claim.untilMs > nowMs
}
