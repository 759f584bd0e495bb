import { HISTORY_INTERVAL_MS, HISTORY_MOMENTS_MAX } from '../limits.ts'

/** How the first release on offer stood at one time. */
export interface Moment {
  /** Milliseconds since 1970, UTC. */
  readonly at: number
  readonly peers: number
  /** Layers that somebody hosted, and those of the model. */
  readonly covered: number
  readonly layers: number
}

/** The last day: one moment every HISTORY_INTERVAL_MS, HISTORY_MOMENTS_MAX at most. */
export interface History {
  /** Notes how it stands, unless the last note is too young. */
  note(moment: Moment): void
  readonly moments: readonly Moment[]
}

/** Nothing is known yet. */
export function createHistory(): History {
  const moments: Moment[] = []
  return {
    moments,
    note(moment) {
      const last = moments.at(-1)
      if (last !== undefined && moment.at - last.at < HISTORY_INTERVAL_MS) return
      moments.push(moment)
      if (moments.length > HISTORY_MOMENTS_MAX) moments.shift()
    },
  }
}
