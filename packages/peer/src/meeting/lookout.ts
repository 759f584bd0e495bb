import { onAbort, pause } from '../deadline.ts'

/** Waits for what others bring about, who say so with `again`. */
export class Lookout {
  private readonly looks = new Set<() => void>()

  /** Something has changed: whoever waits looks. */
  again(): void {
    for (const look of this.looks) look()
  }

  /** Resolves when it holds, after `ms`, or when the signal aborts. Never rejects. */
  async until(holds: () => boolean, ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0 || signal.aborted || holds()) return
    const over = new AbortController()
    const look = () => {
      if (signal.aborted || holds()) over.abort()
    }
    this.looks.add(look)
    const unfollow = onAbort(signal, look)
    await pause(ms, over.signal)
    unfollow()
    this.looks.delete(look)
  }
}
