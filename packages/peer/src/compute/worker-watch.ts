import type { ComputeApi } from './compute-api.ts'
import { WATCHDOG_TICK_MS } from './limits.ts'

/** A running compute worker. */
export interface ComputeWorker {
  readonly api: ComputeApi
  terminate(): Promise<void>
}

/** @param failed to be called with one line when the worker crashes or ends. */
export type SpawnWorker = (failed: (line: string) => void) => ComputeWorker

/** A worker under watch: no question to it stays without an answer. */
export interface WatchedWorker {
  /**
   * Waits for an answer, one at a time.
   * @throws Error with one line when the call throws, the worker ends, or it is silent for `limitMs`.
   */
  ask<T>(question: (api: ComputeApi) => Promise<T>, limitMs: number): Promise<T>
  /** Ends with one line when the engine's device is lost; never when the worker ends first. */
  lost(): Promise<string>
  /** Ends the worker; whoever waits for an answer gets `line` as an error. */
  terminate(line: string): Promise<void>
}

/**
 * Starts a worker and watches it from outside; a watchdog inside would hang with it.
 *
 * Silence is counted in ticks and not by the clock: a tab that was frozen wakes up together with
 * its worker and must not blame it for the pause.
 *
 * @param endedIdle is told why when the worker ends while nobody waits for an answer.
 */
export function watchWorker(spawn: SpawnWorker, endedIdle: (line: string) => void): WatchedWorker {
  let ended: string | undefined
  let fail: ((error: Error) => void) | undefined

  function end(line: string): void {
    if (ended !== undefined) return
    ended = line
    if (fail === undefined) endedIdle(line)
    else fail(new Error(line))
  }
  const worker = spawn(end)

  return {
    async ask(question, limitMs) {
      if (ended !== undefined) throw new Error(ended)
      let stop: () => void = () => undefined
      const broken = new Promise<never>((_, reject) => {
        fail = reject
        const tickMs = Math.min(WATCHDOG_TICK_MS, limitMs / 4)
        let silentMs = 0
        const watchdog = setInterval(() => {
          silentMs += tickMs
          if (silentMs >= limitMs) {
            reject(new Error(`the compute worker was silent for ${limitMs} ms`))
          }
        }, tickMs)
        stop = () => clearInterval(watchdog)
      })
      try {
        return await Promise.race([question(worker.api), broken])
      } finally {
        stop()
        fail = undefined
      }
    },
    lost: () => worker.api.lost(),
    terminate(line) {
      end(line)
      return worker.terminate()
    },
  }
}
