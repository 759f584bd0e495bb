import { SILENT_MAX } from '../limits.ts'
import type { PeerId } from '../wire/messages.ts'

/**
 * What speaks against going on with the newest step of a request: who let it down, who will not do it,
 * how often its tensor could not be had.
 *
 * 1. Who let a claim come to nothing is doubted until the request ends.
 * 2. Who will not do a step, and pulls that failed, are forgotten with that step.
 */
export class Doubts {
  private readonly failed = new Set<PeerId>()
  private readonly unwilling = new Set<PeerId>()
  private failedPulls = 0

  /** A peer let its claim on this request come to nothing. */
  letDownBy(peer: PeerId): void {
    this.failed.add(peer)
  }

  /** The latest of those, at most SILENT_MAX. */
  latest(): PeerId[] {
    return [...this.failed].slice(-SILENT_MAX)
  }

  /** A peer says that it will not do the newest step, mostly because it cannot pull its tensor. */
  declinedBy(peer: PeerId): void {
    this.unwilling.add(peer)
  }

  /** A pull of the newest tensor failed, here or elsewhere. */
  pullFailed(): void {
    this.failedPulls++
  }

  get pullsFailed(): number {
    return this.failedPulls
  }

  /** Whether nothing is to be hoped for from this peer here. */
  isDoubted(peer: PeerId): boolean {
    return this.failed.has(peer) || this.unwilling.has(peer)
  }

  /** Whether this peer has said that it will not do the newest step. */
  declines(peer: PeerId): boolean {
    return this.unwilling.has(peer)
  }

  /** Another step is the newest. */
  stepChanged(): void {
    this.unwilling.clear()
    this.failedPulls = 0
  }
}
