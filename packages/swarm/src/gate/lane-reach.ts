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

  function forgetSilent(nowMs: number): void {
    // Oldest first, as entries move to the end when they are renewed.
    for (const [member, { atMs }] of members) {
      if (nowMs - atMs < PRESENCE_TTL_MS) return
      members.delete(member)
    }
  }

  return {
    announced(member, { links, leaving }, nowMs) {
      members.delete(member)
      if (leaving) return
      members.set(member, { links, atMs: nowMs })
      if (members.size > membersMax) members.delete(members.keys().next().value ?? member)
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
