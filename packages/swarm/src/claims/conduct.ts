import type { PeerId } from '../wire/messages.ts'
import { claimTtlMs } from './claim-ttl.ts'
import {
  DISTRUST_MS,
  LANE_WEIGHT,
  PEER_WEIGHT,
  RECORDS_MAX,
  SLOW_FACTOR,
  SLOW_FOR_MS,
  SLOW_MS,
  STRIKES_MAX,
} from './limits.ts'

/** What one peer did with the work that it claimed, as seen from here. */
interface ConductRecord {
  delivered: number
  deliveredAtMs: number
  /** Claims that ran out, halved by each delivery. */
  strikes: number
  distrustedUntilMs: number
  /** Smoothed time from a step to its next step, milliseconds; 0 before the first. */
  serviceMs: number
  slowUntilMs: number
  /** When it was last silent though it was chosen. */
  silentAtMs: number
  /** Somebody's route names it: others have had deliveries of it. */
  isVouched: boolean
}

/**
 * Judges providers by what they deliver, not by what they announce.
 *
 * 1. A claim that ran out is a strike; a delivery halves the strikes.
 * 2. A straggler is someone whose deliveries take several times as long as the lane's usual one.
 * 3. No verdict is for ever, and at most RECORDS_MAX peers are remembered.
 */
export class Conduct {
  /** What a delivery usually takes on this lane, milliseconds; 0 before the first. */
  private usualMs = 0
  private readonly records = new Map<PeerId, ConductRecord>()

  /** @param ms from the step that it followed to the step that it published; undefined when that says nothing of the peer. */
  delivered(peer: PeerId, ms: number | undefined, nowMs: number): void {
    const record = this.recordOf(peer)
    record.delivered++
    record.deliveredAtMs = nowMs
    record.strikes = Math.floor(record.strikes / 2)
    if (record.strikes < STRIKES_MAX) record.distrustedUntilMs = 0
    if (ms === undefined) return
    // The next chance is judged by itself.
    const isNewChance = record.slowUntilMs > 0 && record.slowUntilMs <= nowMs
    record.serviceMs = isNewChance ? ms : blend(record.serviceMs, ms, PEER_WEIGHT)
    // One straggler must not make all others look quick.
    const counted = this.usualMs === 0 ? ms : Math.min(ms, this.usualMs * SLOW_FACTOR)
    this.usualMs = blend(this.usualMs, counted, LANE_WEIGHT)
    const limitMs = Math.max(this.usualMs * SLOW_FACTOR, this.usualMs + SLOW_MS)
    record.slowUntilMs = record.serviceMs > limitMs ? nowMs + SLOW_FOR_MS : 0
  }

  /** Its claim ran out. */
  expired(peer: PeerId, nowMs: number): void {
    const record = this.recordOf(peer)
    record.strikes++
    record.silentAtMs = nowMs
    if (record.strikes >= STRIKES_MAX || record.delivered === 0)
      record.distrustedUntilMs = nowMs + record.strikes * DISTRUST_MS
  }

  /** Whether its claims deserve no waiting. */
  isDistrusted(peer: PeerId, nowMs: number): boolean {
    return (this.records.get(peer)?.distrustedUntilMs ?? 0) > nowMs
  }

  /** Others have had deliveries of it. */
  vouched(peer: PeerId): void {
    this.recordOf(peer).isVouched = true
  }

  /** Whether somebody whose word counts here has had deliveries of it. */
  isVouched(peer: PeerId): boolean {
    return this.records.get(peer)?.isVouched === true
  }

  /** Whether it was silent when it was chosen and has said nothing since. @param heardAtMs its newest presence. */
  isSuspect(peer: PeerId, heardAtMs: number): boolean {
    return (this.records.get(peer)?.silentAtMs ?? Number.NEGATIVE_INFINITY) >= heardAtMs
  }

  /** Whether it is a straggler. */
  isSlow(peer: PeerId, nowMs: number): boolean {
    return (this.records.get(peer)?.slowUntilMs ?? 0) > nowMs
  }

  /** Whether it has ever delivered. */
  isProven(peer: PeerId): boolean {
    return (this.records.get(peer)?.delivered ?? 0) > 0
  }

  /** When it last delivered, milliseconds; minus infinity before the first time. */
  deliveredAtMs(peer: PeerId): number {
    return this.records.get(peer)?.deliveredAtMs ?? Number.NEGATIVE_INFINITY
  }

  /**
   * How long a claim of this peer is honoured at most, milliseconds.
   * @param leastMs what the judge itself would need.
   */
  patienceMs(peer: PeerId, leastMs: number): number {
    return claimTtlMs(Math.max(this.records.get(peer)?.serviceMs ?? 0, this.usualMs, leastMs))
  }

  private recordOf(peer: PeerId): ConductRecord {
    let record = this.records.get(peer)
    if (record !== undefined) return record
    if (this.records.size >= RECORDS_MAX)
      this.records.delete(this.records.keys().next().value as PeerId)
    record = {
      delivered: 0,
      deliveredAtMs: Number.NEGATIVE_INFINITY,
      strikes: 0,
      distrustedUntilMs: 0,
      serviceMs: 0,
      slowUntilMs: 0,
      silentAtMs: Number.NEGATIVE_INFINITY,
      isVouched: false,
    }
    this.records.set(peer, record)
    return record
  }
}

function blend(mean: number, sample: number, weight: number): number {
  return mean === 0 ? sample : mean + (sample - mean) * weight
}
