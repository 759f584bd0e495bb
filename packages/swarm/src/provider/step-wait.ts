import type { PeerId } from '../wire/messages.ts'

/**
 * How long the newest step of a request has waited for a response, and from whom: what a provider learns
 * the lane's usual time from.
 *
 * 1. Once it was disturbed (a claim came to nothing, the step was offered again, others went back) it tells
 *    nothing until a step that supersedes the newest.
 * 2. Who is expected is forgotten with the step.
 */
export class StepWait {
  private sinceMs: number
  private isDisturbed = false
  private expected: PeerId | undefined

  constructor(nowMs: number) {
    this.sinceMs = nowMs
  }

  /** A step that supersedes the newest was seen. */
  begin(nowMs: number): void {
    this.sinceMs = nowMs
    this.isDisturbed = false
    this.expected = undefined
  }

  /** The request has gone back to an older step. */
  wentBack(): void {
    this.isDisturbed = true
    this.expected = undefined
  }

  /** What happens on the newest step from now on says nothing of the lane's usual pace. */
  disturb(): void {
    this.isDisturbed = true
  }

  /** Who should claim the newest step at once, as this peer sees it. */
  expect(peer: PeerId): void {
    this.expected = peer
  }

  isExpected(peer: PeerId): boolean {
    return peer === this.expected
  }

  /** How long ago the newest step was seen, milliseconds; undefined when that says nothing of the lane. */
  undisturbedMs(nowMs: number): number | undefined {
    return this.isDisturbed ? undefined : nowMs - this.sinceMs
  }
}
