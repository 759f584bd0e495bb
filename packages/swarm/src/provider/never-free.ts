import type { KnownPeer } from '../presence/peer-table.ts'
import type { PeerId } from '../wire/messages.ts'
import { NEVER_FREE_FOR_MS, NEVER_FREE_MS, NEVER_FREE_PEERS_MAX } from './limits.ts'

/**
 * Hosts that have delivered and have had no room for work ever since: nobody chooses them, so that they fail nobody,
 * and the layers that others left to them are run by nobody.
 *
 * 1. Whoever has announced no room for NEVER_FREE_MS, and has not delivered to this member meanwhile, is no host until
 *    it does one of the two.
 * 2. No layer is left to it for NEVER_FREE_FOR_MS: whoever empties layers like that does not do it twice in a row.
 * 3. At most NEVER_FREE_PEERS_MAX are remembered; the one found out first makes room.
 */
export class NeverFree {
  private readonly deliveredAtMs: (peer: PeerId) => number
  private readonly foundAtMs = new Map<PeerId, number>()

  /** @param deliveredAtMs when somebody last delivered to this member, milliseconds. */
  constructor(deliveredAtMs: (peer: PeerId) => number) {
    this.deliveredAtMs = deliveredAtMs
  }

  /** Whether a host that has delivered is none now. */
  isOne({ peer, freeAtMs }: KnownPeer, nowMs: number): boolean {
    const isIt = nowMs - Math.max(freeAtMs, this.deliveredAtMs(peer)) > NEVER_FREE_MS
    if (isIt) this.found(peer, nowMs)
    return isIt
  }

  /** Whether somebody was found out so lately that no layer is left to it. */
  wasOne(peer: PeerId, nowMs: number): boolean {
    return nowMs - (this.foundAtMs.get(peer) ?? Number.NEGATIVE_INFINITY) < NEVER_FREE_FOR_MS
  }

  private found(peer: PeerId, nowMs: number): void {
    const isNew = !this.foundAtMs.has(peer)
    if (isNew && this.foundAtMs.size >= NEVER_FREE_PEERS_MAX)
      this.foundAtMs.delete(this.foundAtMs.keys().next().value as PeerId)
    this.foundAtMs.set(peer, nowMs)
  }
}
