import { draw, drawMixed } from '../draw.ts'
import type { KnownPeer } from '../presence/peer-table.ts'
import { NEWCOMER_SLOT_MS, URGENT_MS } from './limits.ts'

/** What an author knows when it asks itself whether a newcomer's trial is its to give. */
export interface TrialDuty {
  /** `draw` of the author. */
  readonly author: number
  readonly newcomer: KnownPeer
  /** Everybody whom the author knows, the newcomer included. */
  readonly members: Iterable<KnownPeer>
  /** A trial is likely to go well: then more authors owe it the longer it waits. */
  readonly isUrgent: boolean
  /** When the author began to hand over, milliseconds: nobody waits for work before there is any. */
  readonly sinceMs: number
}

/**
 * Whether an author owes a newcomer its trial now: of all that host anything, the one with the lowest draw over
 * the newcomer and the time, anew after each NEWCOMER_SLOT_MS. Where it is urgent it is, from the second on,
 * twice as many after each URGENT_MS: in a quiet lane whoever is drawn may have nothing to hand over for long.
 */
export function owesTrial(duty: TrialDuty, nowMs: number): boolean {
  const { author, members, isUrgent, sinceMs } = duty
  const { peer, mark, firstHeardAtMs } = duty.newcomer
  const slot = Math.floor((nowMs - firstHeardAtMs) / NEWCOMER_SLOT_MS)
  const seed = draw(peer, slot)
  const own = drawMixed(seed, author)
  const waitedMs = nowMs - Math.max(firstHeardAtMs, sinceMs)
  let authors = isUrgent ? 2 ** Math.max(0, Math.floor(waitedMs / URGENT_MS) - 1) : 1
  for (const other of members)
    if (
      other.peer !== peer &&
      other.presence.layers.length > 0 &&
      drawMixed(seed, other.mark) < own &&
      --authors === 0
    )
      return false
  return drawMixed(seed, mark) !== own
}
