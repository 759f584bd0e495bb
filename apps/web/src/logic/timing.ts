import { TIME_PART_SHARE_MIN } from '../limits.ts'
import { durationText } from './wording.ts'

/** When a picture reached the stations of its way, milliseconds of one clock; undefined where it passed none. */
export interface Stations {
  readonly clickedMs: number
  readonly askedMs: number
  readonly firstLayersMs: number | undefined
  readonly lastLayersMs: number | undefined
  readonly answeredMs: number
  /** Every layer was applied. */
  readonly isComplete: boolean
  /** It was chosen before this tab was in the swarm. */
  readonly hadToJoin: boolean
}

/** A part of the time between the click and the answer. */
export interface TimePart {
  readonly what:
    | 'joining'
    | 'preparing the picture'
    | 'first layers'
    | 'other layers'
    | 'scores'
    | 'waiting for missing layers'
  readonly ms: number
}

/** The time since the click by part: together they are all of it. */
export function timeParts(stations: Stations): readonly TimePart[] {
  const { clickedMs, askedMs, answeredMs, isComplete, hadToJoin } = stations
  const first = stations.firstLayersMs ?? answeredMs
  const last = Math.max(first, stations.lastLayersMs ?? first)
  const parts: TimePart[] = [
    { what: hadToJoin ? 'joining' : 'preparing the picture', ms: askedMs - clickedMs },
    { what: 'first layers', ms: first - askedMs },
    { what: 'other layers', ms: last - first },
    { what: isComplete ? 'scores' : 'waiting for missing layers', ms: answeredMs - last },
  ]
  return parts
}

/** "2.4 s since the click", and what they were spent on where a part is worth naming. */
export function timeText(parts: readonly TimePart[]): string {
  const total = parts.reduce((sum, { ms }) => sum + ms, 0)
  const named = parts.filter(({ ms }) => ms >= TIME_PART_SHARE_MIN * total && ms >= 1)
  const since = `${durationText(total)} since the click`
  if (named.length < 2) return since
  return `${since}: ${named.map(({ what, ms }) => `${what} ${durationText(ms)}`).join(', ')}`
}

/** Notes when a picture passes its stations. */
export interface Stopwatch {
  /** So many layers have been applied by now. */
  passed(layers: number): void
  /** The parts of the time until now, when the answer is there. */
  stop(isComplete: boolean): readonly TimePart[]
}

/** When a picture was chosen, and whether this tab was in the swarm then. */
export interface Click {
  readonly ms: number
  readonly hadToJoin: boolean
}

/** Starts when the picture is sent off. */
export function startStopwatch(click: Click, nowMs: () => number): Stopwatch {
  const askedMs = nowMs()
  let firstLayersMs: number | undefined
  let lastLayersMs: number | undefined
  let most = 0
  return {
    passed(layers) {
      if (layers <= most) return
      most = layers
      lastLayersMs = nowMs()
      firstLayersMs ??= lastLayersMs
    },
    stop: (isComplete) =>
      timeParts({
        clickedMs: click.ms,
        hadToJoin: click.hadToJoin,
        askedMs,
        firstLayersMs,
        lastLayersMs,
        answeredMs: nowMs(),
        isComplete,
      }),
  }
}
