import { isOutOfMemory } from './compute-reply.ts'
import { RESTORE_RETRY_MS } from './limits.ts'
import type { PartKeeper } from './part-keeper.ts'

/** What a compute tells its peer. */
export interface ComputeEvents {
  /** It cannot run layers, for the reason given; undefined when it can again. */
  ailing(problem: string | undefined): void
  /** It ran out of memory: with fewer layers it would not. */
  outOfMemory(line: string): void
}

/** What brings a replaced worker back to where the last one was. */
export interface Recovery {
  begin(line: string): void
  end(): void
}

/**
 * 1. Nothing is claimed from the moment that a worker is gone until a new one holds every part.
 * 2. A new worker is started at once and not by the next request: nobody sends one to an absent peer.
 */
export function createRecovery(
  keeper: PartKeeper,
  events: () => ComputeEvents | undefined,
): Recovery {
  let timer: ReturnType<typeof setTimeout> | undefined
  let ended = false
  /** Counts the workers that are gone; only the newest one's recovery says that all is well. */
  let losses = 0

  async function restore(loss: number): Promise<void> {
    try {
      await keeper.restore()
      if (loss === losses && !ended) events()?.ailing(undefined)
    } catch {
      // A worker that went again begins its own recovery; a part that cannot be fetched needs time.
      if (loss !== losses || ended) return
      timer = setTimeout(() => void restore(loss), RESTORE_RETRY_MS)
    }
  }

  return {
    begin(line) {
      if (ended) return
      clearTimeout(timer)
      losses += 1
      events()?.ailing(line)
      if (isOutOfMemory(line)) events()?.outOfMemory(line)
      void restore(losses)
    },
    end() {
      ended = true
      clearTimeout(timer)
    },
  }
}
