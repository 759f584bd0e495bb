import type { PeerId } from '../wire/messages.ts'

/** A requester has the lane to itself when nobody else has asked for this long. */
const ALONE_AFTER_MS = 60_000

/** Requesters whose refusals are counted. */
const REQUESTERS_MAX = 256
/** So many requests of one requester refused within so long are a flood. */
const REFUSALS_MAX = 64
const REFUSALS_WITHIN_MS = 10_000

/** Knows whether more than one requester is using the lane. */
export class Fairness {
  /** The two requesters that asked last. */
  private latest: { peer: PeerId; atMs: number } | undefined
  private readonly refusals = new Map<PeerId, { sinceMs: number; number: number }>()
  private other: { peer: PeerId; atMs: number } | undefined

  asked(requester: PeerId, nowMs: number): void {
    if (this.latest !== undefined && this.latest.peer !== requester) this.other = this.latest
    this.latest = { peer: requester, atMs: nowMs }
  }

  /** A request of this requester has come to its end: whoever waits for answers is no flooder. */
  finished(requester: PeerId): void {
    this.refusals.delete(requester)
  }

  /** One more request was refused. @returns whether that is a flood; the count begins anew then. */
  refused(requester: PeerId, nowMs: number): boolean {
    let count = this.refusals.get(requester)
    if (count === undefined || nowMs - count.sinceMs > REFUSALS_WITHIN_MS) {
      count = { sinceMs: nowMs, number: 0 }
      if (this.refusals.size >= REQUESTERS_MAX)
        this.refusals.delete(this.refusals.keys().next().value as PeerId)
      this.refusals.set(requester, count)
    }
    count.number++
    if (count.number < REFUSALS_MAX) return false
    this.refusals.delete(requester)
    return true
  }

  isAlone(requester: PeerId, nowMs: number): boolean {
    const other = this.latest?.peer === requester ? this.other : this.latest
    return other === undefined || nowMs - other.atMs > ALONE_AFTER_MS
  }
}
