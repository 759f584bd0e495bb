import type { PeerId, RequestId } from '../wire/messages.ts'

/** A claim on the newest step of a request. */
export interface HeldClaim {
  readonly peer: PeerId
  readonly untilMs: number
}

/**
 * The claims that a provider knows of: who holds each request it follows, and the load of each peer that
 * follows from it.
 *
 * 1. A request has at most one claim.
 * 2. The load of a peer is the number of requests whose claim it holds, expired claims included until
 *    somebody looks at them.
 */
export class ClaimBook {
  private readonly claims = new Map<RequestId, HeldClaim>()
  private readonly load = new Map<PeerId, number>()

  get(request: RequestId): HeldClaim | undefined {
    return this.claims.get(request)
  }

  /** Whether somebody's claim holds now. */
  isHeld(request: RequestId, nowMs: number): boolean {
    return (this.claims.get(request)?.untilMs ?? Number.NEGATIVE_INFINITY) > nowMs
  }

  /** Layer runs that this peer has claimed and not yet delivered. */
  loadOf(peer: PeerId): number {
    return this.load.get(peer) ?? 0
  }

  /** Replaces the claim on a request. */
  put(request: RequestId, claim: HeldClaim): void {
    this.free(request)
    this.claims.set(request, claim)
    this.load.set(claim.peer, this.loadOf(claim.peer) + 1)
  }

  /** Nobody holds the request any more. */
  free(request: RequestId): void {
    const claim = this.claims.get(request)
    if (claim === undefined) return
    this.claims.delete(request)
    const left = this.loadOf(claim.peer) - 1
    if (left > 0) this.load.set(claim.peer, left)
    else this.load.delete(claim.peer)
  }
}
