import type { ComputeApi } from './compute-api.ts'
import { NATIVE_EXIT_MS_MAX } from './limits.ts'

/** One word each, in memory that a worker and the process around it share. */
export interface ExitDoor {
  /** Calls that run in the worker. */
  readonly running: Int32Array
  /** Not zero once the process exits. */
  readonly shut: Int32Array
}

/** Those of every worker that runs native code in this process. */
const doors = new Set<ExitDoor>()

/**
 * A process that exits ends its threads where they stand, and one that stands in ONNX Runtime's native
 * code takes the process down with an abort instead of its exit code. The exit waits for the calls that
 * run, for at most NATIVE_EXIT_MS_MAX in all.
 * @returns what the worker needs for `behindDoor`, and what forgets a worker that has ended.
 */
export function exitDoor(): { readonly door: ExitDoor; forget(): void } {
  if (doors.size === 0) process.on('exit', waitForAll)
  const door = { running: sharedWord(), shut: sharedWord() }
  doors.add(door)
  return {
    door,
    forget() {
      if (doors.delete(door) && doors.size === 0) process.off('exit', waitForAll)
    },
  }
}

/** @returns undefined for a worker that was started without one. */
export function doorIn(workerData: unknown): ExitDoor | undefined {
  if (typeof workerData !== 'object' || workerData === null) return undefined
  if (!('running' in workerData && 'shut' in workerData)) return undefined
  const { running, shut } = workerData
  return running instanceof Int32Array && shut instanceof Int32Array ? { running, shut } : undefined
}

function sharedWord(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
}

function waitForAll(): void {
  const untilMs = performance.now() + NATIVE_EXIT_MS_MAX
  for (const { shut } of doors) Atomics.store(shut, 0, 1)
  for (const { running } of doors) {
    let calls = Atomics.load(running, 0)
    while (calls > 0 && performance.now() < untilMs) {
      Atomics.wait(running, 0, calls, untilMs - performance.now())
      calls = Atomics.load(running, 0)
    }
  }
}

/** The same service, which begins nothing more, and answers nothing, once the process exits. */
export function behindDoor(service: ComputeApi, { running, shut }: ExitDoor): ComputeApi {
  function counted<Inputs extends readonly unknown[], Output>(
    call: (...inputs: Inputs) => Promise<Output>,
  ): (...inputs: Inputs) => Promise<Output> {
    return async (...inputs) => {
      Atomics.add(running, 0, 1)
      try {
        if (Atomics.load(shut, 0) === 0) return await call(...inputs)
      } finally {
        Atomics.sub(running, 0, 1)
        Atomics.notify(running, 0)
      }
      return new Promise<never>(() => undefined)
    }
  }
  return {
    // It only waits, and may wait for good.
    lost: service.lost,
    open: counted(service.open),
    time: counted(service.time),
    load: counted(service.load),
    unload: counted(service.unload),
    runLayer: counted(service.runLayer),
    runStem: counted(service.runStem),
    runHead: counted(service.runHead),
    close: counted(service.close),
  }
}
