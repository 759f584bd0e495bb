import { BUSY_STAY_MS } from './limits.ts'
import { quantile } from './quantile.ts'

/** One provider's time in the swarm, in milliseconds of the run. */
export interface Life {
  /** When it came, its connections not yet dialled. */
  readonly joinMs: number
  /** When it left, froze for good, or the run ended. */
  readonly leftMs: number
  /** When its first layer run began; undefined when it never had one. */
  readonly firstRunMs: number | undefined
}

/**
 * What became of the providers that came into a busy swarm and stayed there for a while. Whatever lane they are
 * in: who waits where nobody asks waits no less.
 */
export interface NewcomerReport {
  /** Honest providers that came while requests were asked and stayed for BUSY_STAY_MS of that time. */
  readonly stayed: number
  /** Share of them that got no work at all; 0 of none. */
  readonly idleShare: number
  /** From coming to the first layer run of those that got one, milliseconds. */
  readonly firstWorkP50Ms: number
  readonly firstWorkP90Ms: number
}

/**
 * Who of all providers was a newcomer, and how long it waited for work.
 * @param fromMs requests were asked from then on: who was there before is no newcomer.
 * @param untilMs the last request was asked then: who waits longer waits for nothing.
 */
export function newcomersOf(
  lives: readonly Life[],
  fromMs: number,
  untilMs: number,
): NewcomerReport {
  const stayed = lives.filter(
    ({ joinMs, leftMs }) => joinMs >= fromMs && Math.min(leftMs, untilMs) - joinMs >= BUSY_STAY_MS,
  )
  const waits = stayed
    .flatMap(({ joinMs, firstRunMs }) => (firstRunMs === undefined ? [] : [firstRunMs - joinMs]))
    .sort((a, b) => a - b)
  return {
    stayed: stayed.length,
    idleShare: stayed.length === 0 ? 0 : 1 - waits.length / stayed.length,
    firstWorkP50Ms: quantile(waits, 0.5),
    firstWorkP90Ms: quantile(waits, 0.9),
  }
}
