import { PEERS_MAX, PRESENCE_TTL_MS } from '../limits.ts'
import type { Presence } from '../wire/messages.ts'

/**
 * Who has a direct connection to everybody in the lane, as far as presence tells. What such a peer
 * says has been heard by all, and passing it on would only cost bytes: in a lane of ten, two of
 * every three copies.
 */
export interface LaneReach {
  /** A member told how many members it is connected to, or that it leaves. */
  announced(member: string, presence: Pick<Presence, 'links' | 'leaving'>, nowMs: number): void
  /** A member's connection to this peer is gone. */
  gone(member: string): void
  /** Whether this member has announced itself lately. */
  knows(member: string, nowMs: number): boolean
  /** Whether everybody hears this member without help. False when in doubt. */
  heardByAll(member: string, nowMs: number): boolean
}

/**
 * Knows nobody at first.
 * @param membersMax members remembered; the longest silent one makes room.
 */
export function createLaneReach(membersMax = PEERS_MAX): LaneReach {
  const members = new Map<string, { links: number; atMs: number }>()
  /** Before this nobody has been silent for long, milliseconds. */
  let silentAtMs = Number.POSITIVE_INFINITY

  function forgetSilent(nowMs: number): void {
    if (nowMs < silentAtMs) return
    silentAtMs = Number.POSITIVE_INFINITY
    for (const [member, { atMs }] of members) {
      const endsAtMs = atMs + PRESENCE_TTL_MS
      if (endsAtMs <= nowMs) members.delete(member)
      else silentAtMs = Math.min(silentAtMs, endsAtMs)
    }
  }

  function makeRoom(): void {
    let longest: [string, number] | undefined
    for (const [member, { atMs }] of members)
      if (longest === undefined || atMs < longest[1]) longest = [member, atMs]
    if (longest !== undefined) members.delete(longest[0])
  }

  return {
    announced(member, { links, leaving }, nowMs) {
      const known = members.get(member)
      if (leaving) members.delete(member)
      else if (known !== undefined) {
        known.links = links
        known.atMs = nowMs
      } else {
        if (members.size >= membersMax) makeRoom()
        members.set(member, { links, atMs: nowMs })
        silentAtMs = Math.min(silentAtMs, nowMs + PRESENCE_TTL_MS)
      }
    },
    gone: (member) => void members.delete(member),
    knows(member, nowMs) {
      forgetSilent(nowMs)
      return members.has(member)
    },
    heardByAll(member, nowMs) {
      forgetSilent(nowMs)
      const known = members.get(member)
      // Everybody else: the others in this table, and this peer.
      return known !== undefined && known.links >= members.size
    },
  }
}
