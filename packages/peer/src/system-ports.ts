import type { Clock, Random } from '@layerswarm/swarm'

/** The real clock, with a way to be sure that none of its timers is left. */
export interface SystemClock extends Clock {
  /** Timers that have not fired. */
  readonly waiting: number
  cancelAll(): void
}

/** Longest time that setTimeout accepts; a longer one would fire at once. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

export function createSystemClock(): SystemClock {
  const timers = new Set<ReturnType<typeof setTimeout>>()
  const nowMs = () => performance.now()
  return {
    nowMs,
    wakeAt(atMs, fire) {
      const wait = Math.min(Math.max(atMs - nowMs(), 0), TIMEOUT_MS_MAX)
      const timer = setTimeout(() => {
        timers.delete(timer)
        fire()
      }, wait)
      timers.add(timer)
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

export const systemRandom: Random = {
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
}
