import {
  STRANGER_BAD_WEIGHT,
  STRANGER_GOOD_WEIGHT,
  STRANGER_TRIAL_ONE_IN,
  STRANGER_TRIAL_ONE_IN_MAX,
  STRANGERS_FAIL_MAX,
  STRANGERS_FAIL_START,
  TIME_OUT_OVERHEAD_MS,
} from './limits.ts'

/**
 * What this member has learned of strangers: how many of those it tried let it down. Where most do, as
 * among sybils, they cost what their time-outs cost and are tried rarely; where none does they cost nothing.
 */
export class Strangers {
  private own = STRANGERS_FAIL_START
  private oneIn = STRANGER_TRIAL_ONE_IN

  /** The share of strangers that let this member down, 0 … 1. */
  get failShare(): number {
    return this.own
  }

  /** Of so many choices one goes to a stranger, whatever the distance. */
  get trialOneIn(): number {
    return Math.round(this.oneIn)
  }

  /** A stranger was tried. */
  tried(delivered: boolean): void {
    const weight = delivered ? STRANGER_GOOD_WEIGHT : STRANGER_BAD_WEIGHT
    this.own += ((delivered ? 0 : 1) - this.own) * weight
    this.oneIn = delivered
      ? Math.max(STRANGER_TRIAL_ONE_IN, this.oneIn / 2)
      : Math.min(STRANGER_TRIAL_ONE_IN_MAX, this.oneIn * 2)
  }

  /**
   * The share that is believed to fail, 0 … 1: half own experience, half that of others.
   * @param othersShare what trusted members say of strangers; undefined when none does.
   */
  share(othersShare: number | undefined): number {
    return (this.own + (othersShare ?? this.own)) / 2
  }

  /** What choosing a stranger is expected to cost, milliseconds: the time-outs until somebody goes on. @param othersShare as for `share`. */
  costMs(rttMs: number, othersShare: number | undefined): number {
    const share = Math.min(STRANGERS_FAIL_MAX, this.share(othersShare))
    return (share / (1 - share)) * (2 * rttMs + TIME_OUT_OVERHEAD_MS)
  }
}
