/** An abort signal with a time limit that can be taken back. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Removes the timer and the listener; the signal stays as it is. */
  clear(): void
}

/**
 * Aborts after `ms` or together with `parent`. Unlike `AbortSignal.timeout` it leaves no timer
 * behind once it is cleared.
 */
export function createDeadline(ms: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController()
  const follow = () => controller.abort(parent?.reason)
  const timer = setTimeout(() => controller.abort(new Error(`no answer within ${ms} ms`)), ms)
  if (parent?.aborted) follow()
  else parent?.addEventListener('abort', follow, { once: true })
  return {
    signal: controller.signal,
    clear() {
      clearTimeout(timer)
      parent?.removeEventListener('abort', follow)
    },
  }
}

/** Runs `work` under a deadline and clears it afterwards. */
export async function within<T>(
  ms: number,
  parent: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = createDeadline(ms, parent)
  try {
    return await work(deadline.signal)
  } finally {
    deadline.clear()
  }
}

/** Resolves after `ms`, or at once when the signal aborts. Never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const finish = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    signal.addEventListener('abort', finish, { once: true })
  })
}
