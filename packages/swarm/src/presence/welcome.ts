import type { PeerId } from '../wire/messages.ts'
import { WELCOME_RETRY_MS, WELCOME_WITHIN_MS } from './limits.ts'

/**
 * Newcomers that are still to be told who is here. News of them often comes by a bootstrap node, before
 * there is a direct connection: they are answered as soon as there is one, and after WELCOME_WITHIN_MS
 * not at all, for by then they have heard a regular presence.
 */
export class Welcome {
  private readonly owedUntilMs = new Map<PeerId, number>()
  private nextAtMs = Number.POSITIVE_INFINITY

  owe(peer: PeerId, nowMs: number): void {
    this.owedUntilMs.set(peer, nowMs + WELCOME_WITHIN_MS)
    this.nextAtMs = nowMs
  }

  /** Owes nobody anything. */
  clear(): void {
    this.owedUntilMs.clear()
    this.nextAtMs = Number.POSITIVE_INFINITY
  }

  /** Whether somebody is owed an answer who cannot be told it. */
  owesUnreached(reaches: (peer: PeerId) => boolean): boolean {
    for (const peer of this.owedUntilMs.keys()) if (!reaches(peer)) return true
    return false
  }

  /** When to look again, milliseconds. */
  wakeAtMs(): number {
    return this.nextAtMs
  }

  /** Those that can be answered now, each once. */
  take(reaches: (peer: PeerId) => boolean, nowMs: number): PeerId[] {
    if (nowMs < this.nextAtMs) return []
    const reached: PeerId[] = []
    for (const [peer, untilMs] of this.owedUntilMs) {
      const isReached = reaches(peer)
      if (isReached) reached.push(peer)
      if (isReached || nowMs >= untilMs) this.owedUntilMs.delete(peer)
    }
    this.nextAtMs =
      this.owedUntilMs.size === 0 ? Number.POSITIVE_INFINITY : nowMs + WELCOME_RETRY_MS
    return reached
  }
}
