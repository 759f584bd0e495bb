import { PRESENCE_TTL_MS } from '../limits.ts'
import { Recent } from './recent.ts'

/** Remembers the newest announcement of each author, so that an older one does not undo it. */
export interface Newest {
  /** Whether this one is newer than all heard of the author lately; it is the newest from now on. */
  take(author: string, number: bigint, nowMs: number): boolean
}

/** What was heard of an author last: its number, and when. */
export interface Heard {
  readonly number: bigint | number
  readonly atMs: number
}

/**
 * Whether a number is older than what was heard of the same author lately. A clock that was set
 * back is forgiven when its author has been silent, to us, for as long as a presence lives.
 */
export function isOldNews(
  { number: before, atMs }: Heard,
  number: bigint | number,
  nowMs: number,
): boolean {
  // The same sum as where peers expire: a difference could round the other way.
  return number < before && nowMs < atMs + PRESENCE_TTL_MS
}

/**
 * Gossip may deliver a message seconds late, and a peer's "I am new here" must not be believed
 * after what came later. The number is gossipsub's, which starts from the wall clock, so it grows
 * from session to session as well.
 * @param authorsMax authors remembered at most; those silent for longest make room.
 */
export function createNewest(authorsMax: number): Newest {
  const last = new Recent<{ number: bigint; atMs: number }>(authorsMax)
  return {
    take(author, number, nowMs) {
      const before = last.get(author)
      if (before === undefined) {
        last.set(author, { number, atMs: nowMs })
        return true
      }
      if (isOldNews(before, number, nowMs)) return false
      before.number = number
      before.atMs = nowMs
      return true
    },
  }
}
