import { pause } from './deadline.ts'
import { SLOW_SOURCE_BYTES_PER_MS, SOURCE_ALONE_MS } from './limits.ts'

/** One way to get something; it stops when its signal aborts. */
export type Attempt<T> = (signal: AbortSignal) => Promise<T>

/**
 * What the first attempt brings that succeeds. Each begins when the one before has failed, or has been alone for
 * `aloneMs`; once one has succeeded the others are stopped.
 * @throws AggregateError with what each failed of, in their order; the signal's reason.
 */
export async function firstOf<T>(
  attempts: readonly Attempt<T>[],
  aloneMs: number,
  signal: AbortSignal,
): Promise<T> {
  const over = new AbortController()
  const bounded = AbortSignal.any([signal, over.signal])
  let turn = Promise.resolve()
  const begun = attempts.map(async (attempt) => {
    const own = turn
    const failed = new AbortController()
    turn = own.then(() => pause(aloneMs, AbortSignal.any([bounded, failed.signal])))
    await own
    bounded.throwIfAborted()
    try {
      return await attempt(bounded)
    } catch (error) {
      failed.abort()
      throw error
    }
  })
  try {
    return await Promise.any(begun)
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    over.abort(new Error('another attempt has succeeded'))
  }
}

/** How long a source of a file of so many bytes is asked alone, milliseconds: what it may take over a slow link, and a while. */
export function aloneMs(bytes: number): number {
  return SOURCE_ALONE_MS + bytes / SLOW_SOURCE_BYTES_PER_MS
}
