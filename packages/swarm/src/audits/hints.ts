import type { PeerId } from '../wire/messages.ts'
import {
  HINT_CHECKS,
  HINT_MS,
  HINTS_MAX,
  HINTS_PER_ACCUSER,
  HINTS_PER_ACCUSER_MAX,
} from './limits.ts'

/** What is said of one peer. */
interface Hint {
  readonly accusers: Set<PeerId>
  readonly atMs: number
  /** Visits that were found right since. */
  right: number
}

/**
 * What others say they have found out: whom to look at, and nothing else.
 *
 * 1. A hint ends when its peer was found right HINT_CHECKS times, when it was found out here too, or after HINT_MS.
 * 2. Of one accuser as many hints are heeded at once as it has weight, from HINTS_PER_ACCUSER on: an empty one costs
 *    it one, a true one brings one. Without weight it is not heard.
 * 3. At most HINTS_MAX peers and accusers are remembered.
 */
export class Hints {
  private readonly hints = new Map<PeerId, Hint>()
  private readonly weights = new Map<PeerId, number>()

  /** Somebody says that it has found a peer out. */
  hear(accuser: PeerId, about: PeerId, nowMs: number): void {
    this.forgetOld(nowMs)
    const known = this.hints.get(about)
    if (known?.accusers.has(accuser)) return
    if (this.openOf(accuser) >= this.weightOf(accuser)) return
    if (known !== undefined) known.accusers.add(accuser)
    else if (this.hints.size < HINTS_MAX)
      this.hints.set(about, { accusers: new Set([accuser]), atMs: nowMs, right: 0 })
  }

  /** Whether the next visits of a peer are to be looked at for certain. */
  isHinted(peer: PeerId, nowMs: number): boolean {
    const hint = this.hints.get(peer)
    return hint !== undefined && nowMs < hint.atMs + HINT_MS
  }

  /** Whether any is heeded. */
  areOpen(nowMs: number): boolean {
    this.forgetOld(nowMs)
    return this.hints.size > 0
  }

  /** A visit of a peer was found right. */
  right(peer: PeerId): void {
    const hint = this.hints.get(peer)
    if (hint === undefined || ++hint.right < HINT_CHECKS) return
    this.settle(peer, hint, -1)
  }

  /** A peer was found out here. */
  outvoted(peer: PeerId): void {
    const hint = this.hints.get(peer)
    if (hint !== undefined) this.settle(peer, hint, 1)
  }

  private settle(peer: PeerId, { accusers }: Hint, gain: 1 | -1): void {
    this.hints.delete(peer)
    for (const accuser of accusers) {
      const weight = Math.min(HINTS_PER_ACCUSER_MAX, this.weightOf(accuser) + gain)
      this.weights.delete(accuser)
      this.weights.set(accuser, weight)
      if (this.weights.size > HINTS_MAX)
        this.weights.delete(this.weights.keys().next().value as PeerId)
    }
  }

  private weightOf(accuser: PeerId): number {
    return this.weights.get(accuser) ?? HINTS_PER_ACCUSER
  }

  private openOf(accuser: PeerId): number {
    let open = 0
    for (const { accusers } of this.hints.values()) if (accusers.has(accuser)) open++
    return open
  }

  private forgetOld(nowMs: number): void {
    for (const [peer, { atMs }] of this.hints) if (nowMs >= atMs + HINT_MS) this.hints.delete(peer)
  }
}
