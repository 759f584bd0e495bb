/**
 * Runs `work` with a signal that is aborted with `signal`, or after `ms`. Not `AbortSignal.timeout`: as a part of
 * `AbortSignal.any` nothing holds it, and Node throws it away with its timer when memory is collected.
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  work: (bounded: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${ms / 1000} s`)), ms)
  try {
    return await work(AbortSignal.any([signal, late.signal]))
  } finally {
    clearTimeout(timer)
  }
}
