import { GREETING_INTERVAL_MS, GREETING_STEP_MS, GREETINGS_ENOUGH } from './limits.ts'

/**
 * When a host announces itself for a newcomer that it has no way to: it may be the newcomer's turn to make one, who
 * has not heard of anybody yet, and a regular presence is seconds away.
 *
 * 1. The hosts of a lane draw their turns, so many steps apart as there are of them; `GREETINGS_ENOUGH` of others end
 *    the wait, for a newcomer needs a few and what they say goes to the whole lane.
 * 2. Newcomers that come meanwhile are greeted with the first, and nobody greets more often than every
 *    `GREETING_INTERVAL_MS`: it costs who asks nothing.
 */
export class Greeting {
  private dueAtMs = Number.POSITIVE_INFINITY
  private heard = 0
  private greetedAtMs = Number.NEGATIVE_INFINITY

  /**
   * A newcomer asks who is here.
   * @param hosts of the lane.
   * @param lot this member's for it, from 0 to 1.
   */
  asked(hosts: number, lot: number, nowMs: number): void {
    if (this.dueAtMs !== Number.POSITIVE_INFINITY) return
    this.heard = 0
    const turnMs = nowMs + GREETING_STEP_MS * (1 + lot * hosts)
    this.dueAtMs = Math.max(turnMs, this.greetedAtMs + GREETING_INTERVAL_MS)
  }

  /** A host has told everybody all of itself. */
  heardHost(): void {
    if (++this.heard >= GREETINGS_ENOUGH) this.clear()
  }

  clear(): void {
    this.dueAtMs = Number.POSITIVE_INFINITY
  }

  wakeAtMs(): number {
    return this.dueAtMs
  }

  /** Whether it is time. */
  takeTurn(nowMs: number): boolean {
    if (nowMs < this.dueAtMs) return false
    this.clear()
    this.greetedAtMs = nowMs
    return true
  }
}
