import { PUSH_SLACK_MS } from '../fetch/limits.ts'
import { COPIES_SHARE } from './limits.ts'

/**
 * How long a hub's own access still sends what it was given, by how long each copy of an input should take.
 *
 * 1. Copies leave one after another, whichever request they are of.
 * 2. There is room for a copy while what is before it takes no longer than the copy itself and PUSH_SLACK_MS: an
 *    executor waits for a push little longer than for two, and asks for it then, which is a copy more.
 */
export class Uplink {
  private freeAtMs = 0

  /** When there is room for a copy that takes so long, milliseconds. */
  roomAtMs(sendMs: number): number {
    return this.freeAtMs - sendMs - PUSH_SLACK_MS
  }

  /** What it still sends, milliseconds. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.freeAtMs - nowMs)
  }

  /** A copy is given to it. */
  take(sendMs: number, nowMs: number): void {
    this.freeAtMs = nowMs + this.waitMs(nowMs) + sendMs / COPIES_SHARE
  }
}
