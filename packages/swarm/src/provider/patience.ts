import type { Conduct } from '../claims/conduct.ts'
import type { Favourite } from '../claims/policy.ts'
import type { Uplink } from '../fetch/uplink.ts'
import { Lenience } from '../lenience.ts'
import { SILENT_CLAIM_MS } from '../limits.ts'
import type { Ways } from '../presence/ways.ts'
import type { PeerId } from '../wire/messages.ts'
import {
  PATIENCE_DECAY,
  PATIENCE_GROWTH,
  PATIENCE_MAX,
  RELAY_MS,
  RESPONSE_SLACK_MS,
  STRANGER_FACTOR,
  TRANSFER_FACTOR,
} from './limits.ts'

/** What a host that is sent a tensor is given to do. */
export interface Errand {
  /** Of the tensor on its way. */
  readonly bytes: number
  /** Layers that the host will run. */
  readonly layers: number
}

/** What an author's patience goes by; all of it is shared with the member's other parts. */
export interface PatienceNeeds {
  readonly ways: Ways
  readonly conduct: Conduct
  /** What this member's access still sends. */
  readonly uplink: Uplink
}

/**
 * For how long an author waits for whom, before silence means that nobody comes.
 *
 * 1. What is sent waits for what was sent before it: by this member's own account its uplink carries one
 *    tensor after the other, those of its rounds included.
 * 2. When those that were given up answer after all, everybody is waited for longer, up to PATIENCE_MAX
 *    times as long; it wears off with each answer in time.
 * 3. Whoever says that it is at work is waited for no longer than a few times what such work usually takes.
 */
export class Patience {
  private readonly self: PeerId
  private readonly ways: Ways
  private readonly conduct: Conduct
  private readonly lenience = new Lenience({
    growth: PATIENCE_GROWTH,
    decay: PATIENCE_DECAY,
    most: PATIENCE_MAX,
  })
  private readonly uplink: Uplink

  constructor(self: PeerId, { ways, conduct, uplink }: PatienceNeeds) {
    this.self = self
    this.ways = ways
    this.conduct = conduct
    this.uplink = uplink
  }

  /**
   * A host is sent a tensor now.
   * @returns what it should take, and when its silence means something, milliseconds.
   */
  sends(
    { host, isAgain }: Favourite,
    { bytes, layers }: Errand,
    nowMs: number,
  ): { expectedMs: number; dueAtMs: number } {
    const rttMs = this.ways.rttMs(host.peer)
    const leavesMs = this.leavesMs(bytes)
    const upMs = leavesMs + this.arrivesMs(bytes, host.peer)
    const runMs = (host.pending + layers) * host.layerMs
    // Until it says that it is at work, or until its result is told of.
    const isLong = upMs + runMs > SILENT_CLAIM_MS
    const answerMs = this.lenience.factor * ((isAgain ? 2 : 1) * 2 * rttMs + RESPONSE_SLACK_MS)
    const workMs = isLong ? 20 + 2 * upMs : upMs + 2 * runMs
    const backlogMs = this.backlogMs(nowMs)
    this.uplink.take(leavesMs, nowMs)
    return {
      expectedMs: rttMs + TRANSFER_FACTOR * upMs + runMs,
      dueAtMs: nowMs + answerMs + workMs + backlogMs,
    }
  }

  /** Somebody is to pass a tensor on. @returns when its silence means something, milliseconds. */
  relayDueAtMs(relay: PeerId, bytes: number, nowMs: number): number {
    const upMs = this.leavesMs(bytes) + this.arrivesMs(bytes, relay)
    return nowMs + RELAY_MS + 2 * this.ways.rttMs(relay) + 2 * upMs + this.backlogMs(nowMs)
  }

  /** How long the work of somebody who says that it is at it may take at most, milliseconds. */
  mostMs(
    peer: PeerId,
    of: { readonly isTrial: boolean; readonly isMeasured: boolean; readonly expectedMs: number },
  ): number {
    return of.isTrial && of.isMeasured
      ? STRANGER_FACTOR * of.expectedMs + RESPONSE_SLACK_MS
      : this.conduct.patienceMs(peer, of.expectedMs)
  }

  /** How long what is sent now waits for this member's own uplink, milliseconds. */
  backlogMs(nowMs: number): number {
    return this.uplink.waitMs(nowMs)
  }

  /** Somebody has gone on. @param isLate after this member, or another author, had given it up. */
  answered(isLate: boolean): void {
    this.lenience.came(isLate)
  }

  /** A tensor on its way through this member's own access, milliseconds. */
  private leavesMs(bytes: number): number {
    return bytes / this.ways.uploadBytesPerMs(this.self)
  }

  /** The same through the access of whoever it is sent to. */
  private arrivesMs(bytes: number, to: PeerId): number {
    return bytes / this.ways.downloadBytesPerMs(to)
  }
}
