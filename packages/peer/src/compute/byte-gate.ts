/**
 * Lets jobs begin in the order in which they were asked for, while what they hold together stays within a bound; one
 * that holds more by itself runs alone. One whose signal aborts while it waits is never begun.
 */
export type ByteGate = <T>(bytes: number, job: () => Promise<T>, signal: AbortSignal) => Promise<T>

/** A gate that nobody has gone through yet. */
export function createByteGate(bytesMax: number): ByteGate {
  const waiting: { readonly bytes: number; begin(): void }[] = []
  let held = 0

  function beginAll(): void {
    for (let [next] = waiting; next !== undefined; [next] = waiting) {
      if (held > 0 && held + next.bytes > bytesMax) return
      waiting.shift()
      held += next.bytes
      next.begin()
    }
  }

  function turn(bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        waiting.splice(waiting.indexOf(one), 1)
        reject(signal.reason)
        beginAll()
      }
      const one = {
        bytes,
        begin() {
          signal.removeEventListener('abort', leave)
          resolve()
        },
      }
      signal.throwIfAborted()
      signal.addEventListener('abort', leave, { once: true })
      waiting.push(one)
      beginAll()
    })
  }

  return async (bytes, job, signal) => {
    await turn(bytes, signal)
    try {
      return await job()
    } finally {
      held -= bytes
      beginAll()
    }
  }
}
