import type { Clock, Random } from '@layerswarm/swarm'
import { TIMEOUT_MS_MAX } from './limits.ts'

/** The real clock, with a way to be sure that none of its timers is left. */
export interface SystemClock extends Clock {
  /** Timers that have not fired. */
  readonly waiting: number
  /** Ends all of them. */
  cancelAll(): void
}

/**
 * Makes a clock that begins with the wall clock and goes on by itself: what was asked in one session of a peer is
 * over in the next one.
 */
export function createSystemClock(): SystemClock {
  const timers = new Set<ReturnType<typeof setTimeout>>()
  const nowMs = () => performance.timeOrigin + performance.now()
  return {
    nowMs,
    wakeAt(atMs, fire) {
      let timer: ReturnType<typeof setTimeout>
      // setTimeout counts whole milliseconds of another clock and wakes up to 1.4 ms early.
      const wait = () => {
        const ms = Math.min(Math.max(Math.ceil(atMs - nowMs()), 0), TIMEOUT_MS_MAX)
        timer = setTimeout(look, ms)
        timers.add(timer)
      }
      const look = () => {
        timers.delete(timer)
        if (nowMs() < atMs) wait()
        else fire()
      }
      wait()
      return () => {
        timers.delete(timer)
        clearTimeout(timer)
      }
    },
    get waiting() {
      return timers.size
    },
    cancelAll() {
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
    },
  }
}

/** The browser's or Node's own randomness, fit for secrets. */
export const systemRandom: Random = {
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
}
