import type { AcceptanceCase } from './acceptance.ts'
import { VirtualClock } from './virtual-clock.ts'

/** A bench's part that passes time, without waiting for it; `clock` is that time. */
export function virtualTime() {
  const clock = new VirtualClock()
  return {
    clock,
    settle: async (ms: number) => void clock.run(clock.nowMs() + ms),
    close: async () => {},
  }
}

/** The names of the cases that fail: of a suite that catches a broken implementation, some do. */
export async function failing(cases: readonly AcceptanceCase[]): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of cases) await run().catch(() => failed.push(name))
  return failed
}
