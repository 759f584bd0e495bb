import {
  DISPUTE_BURST_FACTOR,
  UPLINK_BURST_MS,
  UPLINK_SHARE,
  UPLINK_UNKNOWN_BYTES_PER_MS,
} from './limits.ts'

/**
 * How much of this member's uplink audits may take: a recomputation of first layers has its input sent from here.
 *
 * 1. Over any time it is UPLINK_SHARE of the uplink, and what UPLINK_BURST_MS of it bring at once.
 */
export class UplinkBudget {
  private readonly uploadBytesPerMs: () => number | undefined
  private spentBytes = 0
  private atMs = 0

  /** @param uploadBytesPerMs as measured; undefined while it is not. */
  constructor(uploadBytesPerMs: () => number | undefined) {
    this.uploadBytesPerMs = uploadBytesPerMs
  }

  /** Takes so many bytes, if they are to be had. @param isUrgent a dispute: DISPUTE_BURST_FACTOR times of what may be taken at once. */
  take(bytes: number, nowMs: number, isUrgent = false): boolean {
    const factor = isUrgent ? DISPUTE_BURST_FACTOR : 1
    const perMs = (this.uploadBytesPerMs() ?? UPLINK_UNKNOWN_BYTES_PER_MS) * UPLINK_SHARE
    this.spentBytes = Math.max(0, this.spentBytes - (nowMs - this.atMs) * perMs)
    this.atMs = nowMs
    if (this.spentBytes + bytes > factor * perMs * UPLINK_BURST_MS) return false
    this.spentBytes += bytes
    return true
  }
}
