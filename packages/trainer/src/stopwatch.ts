/** Time spent by a training over all its runs, seconds. */
export interface SpentSeconds {
  readonly wallSeconds: number
  /** Of all threads of this process. */
  readonly cpuSeconds: number
}

/** Counts the time of a training over its runs, from when it is made. */
export interface Stopwatch {
  /** Of all runs together, this one included. */
  seconds(): SpentSeconds
  /** Wall time since this stopwatch was made. */
  secondsOfThisRun(): number
}

/** @param before what earlier runs of the same training took. */
export function createStopwatch(
  before: SpentSeconds = { wallSeconds: 0, cpuSeconds: 0 },
): Stopwatch {
  const startMs = performance.now()
  const startCpu = process.cpuUsage()
  const secondsOfThisRun = (): number => (performance.now() - startMs) / 1000
  return {
    secondsOfThisRun,
    seconds() {
      const { user, system } = process.cpuUsage(startCpu) // microseconds
      return {
        wallSeconds: before.wallSeconds + secondsOfThisRun(),
        cpuSeconds: before.cpuSeconds + (user + system) / 1e6,
      }
    },
  }
}
