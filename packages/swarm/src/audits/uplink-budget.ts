import { UPLINK_BURST_MS, UPLINK_SHARE, UPLINK_UNKNOWN_BYTES_PER_MS } from './limits.ts'

/**
 * How much of this member's uplink audits may take: every recomputation has its input sent from here.
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

  /** Takes so many bytes, if they are to be had; the first of a budget always are. @param factor of what may be taken at once. */
  take(bytes: number, nowMs: number, factor = 1): boolean {
    const perMs = (this.uploadBytesPerMs() ?? UPLINK_UNKNOWN_BYTES_PER_MS) * UPLINK_SHARE
    this.spentBytes = Math.max(0, this.spentBytes - (nowMs - this.atMs) * perMs)
    this.atMs = nowMs
    const mostBytes = factor * Math.max(perMs * UPLINK_BURST_MS, bytes)
    if (this.spentBytes > 0 && this.spentBytes + bytes > mostBytes) return false
    this.spentBytes += bytes
    return true
  }
}
