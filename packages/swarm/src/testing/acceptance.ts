import { LOOK_MS } from './limits.ts'

/** One thing that every implementation of a port does. `run` rejects with an error of one line when it does not. */
export interface AcceptanceCase {
  readonly name: string
  readonly run: () => Promise<void>
}

/** What a suite needs of the world around an implementation, made anew for each case. */
export interface AcceptanceBench {
  /**
   * Lets so many milliseconds of the implementation's own time pass: real ones, or virtual ones.
   * Whatever else is going on goes on meanwhile.
   */
  settle(ms: number): Promise<void>
  /** Ends whatever was opened. */
  close(): Promise<void>
}

/** A case on a bench of its own, which is closed whatever comes of it. */
export function caseOn<B extends AcceptanceBench>(
  openBench: () => Promise<B>,
  name: string,
  check: (bench: B) => Promise<void>,
): AcceptanceCase {
  return {
    name,
    run: async () => {
      const bench = await openBench()
      try {
        await check(bench)
      } finally {
        await bench.close()
      }
    },
  }
}

/** @throws Error with `line` unless the condition holds. */
export function demand(holds: boolean, line: string): asserts holds {
  if (!holds) throw new Error(line)
}

/** @throws Error naming `what` and both values unless they are the same. */
export function demandEqual<T extends string | number | boolean | undefined>(
  what: string,
  actual: T,
  expected: T,
): void {
  if (actual !== expected) throw new Error(`${what}: ${actual}, expected ${expected}`)
}

/**
 * Waits for a condition in the bench's own time, looking every few milliseconds.
 * @throws Error naming `what` when it does not hold within `ms`.
 */
export async function until(
  bench: AcceptanceBench,
  what: string,
  condition: () => boolean,
  ms: number,
): Promise<void> {
  for (let waited = 0; !condition(); waited += LOOK_MS) {
    if (waited > ms) throw new Error(`${what} did not happen within ${ms} ms`)
    await bench.settle(LOOK_MS)
  }
}
