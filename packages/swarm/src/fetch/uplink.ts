import { PUSH_SLACK_MS } from './limits.ts'

/**
 * How long this member's own access still sends what it was given, by how long each tensor should take.
 *
 * 1. Tensors leave one after another, whichever request they are of, in a round or on a tour.
 * 2. There is room for one while what is before it takes no longer than the tensor itself and PUSH_SLACK_MS: whoever
 *    it is for waits for a push little longer than for two, and asks for it then, which is a copy more.
 */
export class Uplink {
  private freeAtMs = 0

  /** When there is room for a tensor that takes so long, milliseconds. */
  roomAtMs(sendMs: number): number {
    return this.freeAtMs - sendMs - PUSH_SLACK_MS
  }

  /** What it still sends, milliseconds. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.freeAtMs - nowMs)
  }

  /** A tensor is given to it. */
  take(sendMs: number, nowMs: number): void {
    this.freeAtMs = nowMs + this.waitMs(nowMs) + sendMs
  }
}
