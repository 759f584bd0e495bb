/** An abort signal with a time limit that can be taken back. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Removes the timer and the listener; the signal stays as it is. */
  clear(): void
}

/** Whoever follows a signal, and its one listener for all of them. */
interface Following {
  readonly acts: Set<() => void>
  readonly tell: () => void
}

const followed = new WeakMap<AbortSignal, Following>()

/**
 * Calls `act` when a signal aborts; never when it has. However many follow one signal, it has one
 * listener: a whole peer's work ends with one signal, and Node warns of a leak at eleven listeners.
 * @returns what ends the following.
 */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  if (signal.aborted) return () => {}
  const following = followed.get(signal) ?? follow(signal)
  // A function of its own: `act` may follow twice.
  const one = () => act()
  following.acts.add(one)
  return () => {
    if (!following.acts.delete(one) || following.acts.size > 0) return
    followed.delete(signal)
    signal.removeEventListener('abort', following.tell)
  }
}

function follow(signal: AbortSignal): Following {
  const acts = new Set<() => void>()
  const tell = () => {
    for (const act of acts) act()
  }
  const following = { acts, tell }
  followed.set(signal, following)
  signal.addEventListener('abort', tell, { once: true })
  return following
}

/**
 * Calls `end` after `ms`, of which a thread that was held up counts one step at most: what it waits for may have
 * come meanwhile, and timers are served before sockets.
 * @returns what takes that back.
 */
export function countDown(ms: number, stepMs: number, end: () => void): () => void {
  let leftMs = ms
  let timer: ReturnType<typeof setTimeout>
  function step(): void {
    const waitMs = Math.min(leftMs, stepMs)
    leftMs -= waitMs
    timer = setTimeout(leftMs > 0 ? step : end, waitMs)
  }
  step()
  return () => clearTimeout(timer)
}

/**
 * Aborts after `ms` or together with `parent`. Unlike `AbortSignal.timeout` it leaves no timer
 * behind once it is cleared.
 * @param stepMs see `countDown`.
 */
export function createDeadline(ms: number, parent?: AbortSignal, stepMs = ms): Deadline {
  const controller = new AbortController()
  const end = () => controller.abort(parent?.reason)
  const stopCounting = countDown(ms, stepMs, () =>
    controller.abort(new Error(`no answer within ${ms} ms`)),
  )
  if (parent?.aborted) end()
  const unfollow = parent === undefined ? () => {} : onAbort(parent, end)
  return {
    signal: controller.signal,
    clear() {
      stopCounting()
      unfollow()
    },
  }
}

/** Runs `work` under a deadline and clears it afterwards. @param stepMs see `countDown`. */
export async function within<T>(
  ms: number,
  parent: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
  stepMs = ms,
): Promise<T> {
  const deadline = createDeadline(ms, parent, stepMs)
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
      unfollow()
      resolve()
    }
    const timer = setTimeout(finish, ms)
    const unfollow = onAbort(signal, finish)
  })
}
