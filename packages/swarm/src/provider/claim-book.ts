import type { PeerId, RequestId } from '../wire/messages.ts'

/** A claim on the newest step of a request. */
export interface HeldClaim {
  readonly peer: PeerId
  readonly untilMs: number
  /** However often it is renewed, it holds no longer than this; Infinity before its peer has said a word. */
  readonly endsAtMs: number
}

/**
 * The claims that a provider knows of: who holds each request it follows, and the load of each peer that
 * follows from it.
 *
 * 1. A request has at most one claim.
 * 2. A claim may be renewed, but the first word of its peer decides when it ends at last.
 * 3. The load of a peer is the number of requests whose claim it holds and whose time is not over: who only
 *    bears witness may not hear for long that the work is done.
 */
export class ClaimBook {
  private readonly claims = new Map<RequestId, HeldClaim>()

  get(request: RequestId): HeldClaim | undefined {
    return this.claims.get(request)
  }

  /** Whether somebody's claim holds now. */
  isHeld(request: RequestId, nowMs: number): boolean {
    return (this.claims.get(request)?.untilMs ?? Number.NEGATIVE_INFINITY) > nowMs
  }

  /** Of each peer the requests that it has claimed, or was named for, and not yet delivered. */
  loads(nowMs: number): ReadonlyMap<PeerId, number> {
    const loads = new Map<PeerId, number>()
    for (const { peer, untilMs } of this.claims.values())
      if (untilMs > nowMs) loads.set(peer, (loads.get(peer) ?? 0) + 1)
    return loads
  }

  /** Replaces the claim on a request: this peer is expected to go on, and has not said so yet. */
  put(request: RequestId, peer: PeerId, untilMs: number): void {
    this.claims.set(request, { peer, untilMs, endsAtMs: Number.POSITIVE_INFINITY })
  }

  /**
   * A peer says that it is at work, for the first time or again.
   * @param ttlMs for how long, by its own account, milliseconds.
   * @param mostMs how long such work is waited for at most, from its first word, milliseconds.
   * @returns until when it is waited for.
   */
  claimed(request: RequestId, peer: PeerId, ttlMs: number, mostMs: number, nowMs: number): number {
    const before = this.claims.get(request)
    const isRenewed = before?.peer === peer && before.endsAtMs < Number.POSITIVE_INFINITY
    const endsAtMs = isRenewed ? before.endsAtMs : nowMs + mostMs
    const untilMs = Math.min(nowMs + ttlMs, endsAtMs)
    this.claims.set(request, { peer, untilMs, endsAtMs })
    return untilMs
  }

  /** Nobody holds the request any more. */
  free(request: RequestId): void {
    this.claims.delete(request)
  }
}
