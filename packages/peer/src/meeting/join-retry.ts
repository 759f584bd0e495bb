import { JOIN_RETRIES_MAX, JOIN_RETRY_MS, JOIN_RETRY_MS_MAX } from '../limits.ts'

/** One more attempt to join. */
export interface JoinRetry {
  readonly waitMs: number
  /** For people: why, when, and which attempt it is. */
  readonly line: string
}

/**
 * Whether whoever could not join tries again by itself, and when: a server that restarts is back within a minute, and
 * all that it had come back at once. The wait doubles, up to JOIN_RETRY_MS_MAX, and is drawn from a half to one and a
 * half times that; after JOIN_RETRIES_MAX attempts a person is asked.
 * @param failures in a row before this one, from 0.
 * @returns undefined for what no waiting mends, a wrong link or a refusal for example.
 */
export function joinRetry(
  error: unknown,
  failures: number,
  random: () => number = Math.random,
): JoinRetry | undefined {
  if (!isAway(error) || failures >= JOIN_RETRIES_MAX) return undefined
  const mostMs = Math.min(JOIN_RETRY_MS * 2 ** failures, JOIN_RETRY_MS_MAX)
  const waitMs = Math.round(mostMs * (0.5 + random()))
  const seconds = Math.max(1, Math.round(waitMs / 1_000))
  const line = `${error.message.replace(/[.\s]+$/, '')}; trying again in ${seconds} s (${failures + 1} of ${JOIN_RETRIES_MAX})`
  return { waitMs, line }
}

/** A PeerError `unreachable`, of whichever copy of this package. */
function isAway(error: unknown): error is Error {
  if (!(error instanceof Error) || !('fault' in error)) return false
  const { fault } = error
  return (
    typeof fault === 'object' && fault !== null && 'code' in fault && fault.code === 'unreachable'
  )
}
