import type { AccessSpeed } from '@layerswarm/swarm'
import {
  ACCESS_SAMPLES_MAX,
  MEASURED_TENSOR_BYTES_MIN,
  MEASURED_TRANSFER_MS_MIN,
} from '../limits.ts'

/** A tensor that has crossed this peer's access. */
export interface Transfer {
  readonly bytes: number
  /** From its first byte, or the question for it, to the last word about it, milliseconds. */
  readonly ms: number
  /** Part of that in which a small message would have gone there and back; undefined while it is not known. */
  readonly rttMs: number | undefined
}

/**
 * How fast this peer's access is, from the tensors that went through it: bytes over the time beyond
 * the round trip. Each transfer is at most as fast as the slower of its two ends and shares both with
 * whatever else goes on, so the fastest of the last ACCESS_SAMPLES_MAX counts (as BBR takes the
 * greatest delivery rate, RFC draft-cardwell-iccrg-bbr-congestion-control). It cannot tell an access
 * that is faster than everybody it has met, one that only ever carried small tensors over long ways
 * (a transfer that takes less than half a round trip measures nothing), nor a slow access from a slow
 * main thread.
 */
export interface AccessMeter {
  sent(transfer: Transfer): void
  received(transfer: Transfer): void
  /** Bytes per millisecond; undefined until measured. */
  speed(): AccessSpeed
}

/** Makes one that has measured nothing yet. */
export function createAccessMeter(): AccessMeter {
  const upload: number[] = []
  const download: number[] = []
  const fastest = (samples: readonly number[]) =>
    samples.length === 0 ? undefined : Math.max(...samples)
  return {
    sent: (transfer) => note(upload, transfer),
    received: (transfer) => note(download, transfer),
    speed: () => ({ upload: fastest(upload), download: fastest(download) }),
  }
}

function note(samples: number[], { bytes, ms, rttMs }: Transfer): void {
  if (rttMs === undefined || bytes < MEASURED_TENSOR_BYTES_MIN) return
  const transferMs = ms - rttMs
  if (transferMs < Math.max(MEASURED_TRANSFER_MS_MIN, rttMs / 2)) return
  samples.push(bytes / transferMs)
  if (samples.length > ACCESS_SAMPLES_MAX) samples.shift()
}
