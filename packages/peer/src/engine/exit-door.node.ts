import type { Engine, EngineName } from '@layerswarm/model'
import { NATIVE_EXIT_MS_MAX } from './limits.ts'

/** One word each, in memory that a worker and the process around it share. */
export interface ExitDoor {
  /** Calls into native code that run in the worker. */
  readonly running: Int32Array
  /** Not zero once the process exits. */
  readonly shut: Int32Array
}

/** Those of this process's workers. */
const doors = new Set<ExitDoor>()

/**
 * A process that exits ends its threads where they stand, and one that stands in ONNX Runtime's native
 * code takes the process down with an abort instead of its exit code. With a door the exit waits for the
 * call that runs, for at most NATIVE_EXIT_MS_MAX in all. Workers of other engines may be ended at any moment,
 * and need none.
 * @returns what the worker opens its engine behind, and what forgets a worker that has ended.
 */
export function exitDoor(engine: EngineName): {
  readonly door: ExitDoor | undefined
  forget(): void
} {
  if (engine !== 'ort-node') return { door: undefined, forget() {} }
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

/**
 * Opens an engine in a worker. Behind a door it begins nothing more once the process exits, and what was asked
 * of it is never answered. @throws what `open` throws.
 */
export async function openBehindDoor(
  door: ExitDoor | undefined,
  open: () => Promise<Engine>,
): Promise<Engine> {
  if (door === undefined) return open()
  const { running, shut } = door
  async function counted<Output>(call: () => Promise<Output>): Promise<Output> {
    Atomics.add(running, 0, 1)
    try {
      if (Atomics.load(shut, 0) === 0) return await call()
    } finally {
      Atomics.sub(running, 0, 1)
      Atomics.notify(running, 0)
    }
    return new Promise<never>(() => undefined)
  }
  const engine = await counted(open)
  return {
    name: engine.name,
    viewsFiles: engine.viewsFiles,
    ...(engine.lost === undefined ? {} : { lost: engine.lost }),
    load: (part, file) => counted(() => engine.load(part, file)),
    run: (part, input, hop) => counted(() => engine.run(part, input, hop)),
    unload: (part) => counted(() => engine.unload(part)),
    close: () => counted(() => engine.close()),
  }
}
