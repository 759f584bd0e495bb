import {
  ERAS_MAX,
  FINISHED_REMEMBERED_MAX,
  FINISHED_REMEMBERED_MS,
  FLIGHTS_MAX,
  FLIGHTS_PER_NEIGHBOUR_MAX,
  FLIGHTS_PER_REQUESTER_FAIR,
  FLIGHTS_PER_REQUESTER_MAX,
} from '../limits.ts'
import type { PeerId, RequestId, Step } from '../wire/messages.ts'
import { ALONE_AFTER_MS, REFUSALS_MAX, REFUSALS_WITHIN_MS, REQUESTERS_MAX } from './limits.ts'

/** How a request that is not followed yet is met. */
export type Admission = 'follow' | 'ignore' | 'ban'

/**
 * Counts the requests that a provider follows, and decides on new ones.
 *
 * 1. At most FLIGHTS_PER_REQUESTER_MAX of one requester, FLIGHTS_PER_REQUESTER_FAIR while others ask too, and
 *    FLIGHTS_PER_NEIGHBOUR_MAX that one neighbour pays for: the requester where it is connected, otherwise whoever
 *    handed its request over.
 *    Of FLIGHTS_MAX in all, a payer with fewer than another has room at the cost of whoever has most.
 * 2. A request that has ended is not followed again for FINISHED_REMEMBERED_MS.
 * 3. Whoever is refused REFUSALS_MAX times within REFUSALS_WITHIN_MS, without an end in between, floods.
 *    Only what a requester says itself counts: anybody can name another as the requester of a later step.
 */
export class Admissions {
  private readonly byRequester = new Map<PeerId, number>()
  private readonly byPayer = new Map<PeerId, number>()
  private readonly refusals = new Refusals()
  private readonly company = new Company()
  private readonly finished = new Map<RequestId, { readonly atMs: number; readonly era: number }>()
  private total = 0

  /** Decides on a request; `follow` counts it until it is `ended`, `dropped` or `left`. @param from who says it. @param payer who pays for it. */
  judge(from: PeerId, step: Step, payer: PeerId, nowMs: number): Admission {
    const admission = this.look(from, step, payer, nowMs)
    if (admission === 'follow') this.place(step.requester, payer)
    return admission
  }

  /** How a request would be met. What is refused counts towards a flood. */
  look(from: PeerId, { request, requester, era }: Step, payer: PeerId, nowMs: number): Admission {
    const finished = this.finished.get(request)
    if (finished !== undefined && era <= finished.era) return 'ignore'
    this.company.asked(requester, nowMs)
    const most = this.company.isAlone(requester, nowMs)
      ? FLIGHTS_PER_REQUESTER_MAX
      : FLIGHTS_PER_REQUESTER_FAIR
    const own = this.byRequester.get(requester) ?? 0
    const paid = this.byPayer.get(payer) ?? 0
    if (own < most && paid < FLIGHTS_PER_NEIGHBOUR_MAX && this.isRoomFor(paid)) return 'follow'
    return from === requester && this.refusals.isFlood(requester, nowMs) ? 'ban' : 'ignore'
  }

  /** A request of this member's own. */
  admitOwn(requester: PeerId): void {
    this.place(requester, requester)
  }

  /** Who pays for most. */
  costliest(): PeerId | undefined {
    let found: PeerId | undefined
    for (const [payer, count] of this.byPayer)
      if (count > (found === undefined ? 0 : (this.byPayer.get(found) ?? 0))) found = payer
    return found
  }

  /** A request is followed no longer. @param done its requester said so; otherwise its time ran out. */
  ended({ request, requester }: Step, payer: PeerId, done: boolean, nowMs: number): void {
    this.finished.set(request, { atMs: nowMs, era: ERAS_MAX })
    // Whoever waits for answers is no flooder.
    if (done) this.refusals.forgive(requester)
    this.left(requester, payer)
  }

  /** A request is followed no longer, though it has not ended: it may come back in a later era. */
  dropped({ request, requester, era }: Step, payer: PeerId, nowMs: number): void {
    this.finished.set(request, { atMs: nowMs, era })
    this.left(requester, payer)
  }

  /** A request is followed no longer, and nothing of it is remembered. */
  left(requester: PeerId, payer: PeerId): void {
    this.total--
    uncount(this.byRequester, requester)
    uncount(this.byPayer, payer)
  }

  private place(requester: PeerId, payer: PeerId): void {
    this.total++
    count(this.byRequester, requester)
    count(this.byPayer, payer)
  }

  /** @param paid what its payer has already. */
  private isRoomFor(paid: number): boolean {
    if (this.total < FLIGHTS_MAX) return true
    const costliest = this.costliest()
    return costliest !== undefined && (this.byPayer.get(costliest) ?? 0) > paid + 1
  }

  /** Lets go of finished requests that are old or too many. */
  forgetFinished(nowMs: number): void {
    for (const [request, { atMs }] of this.finished) {
      if (nowMs - atMs < FINISHED_REMEMBERED_MS && this.finished.size <= FINISHED_REMEMBERED_MAX)
        return
      this.finished.delete(request)
    }
  }
}

function count(counts: Map<PeerId, number>, peer: PeerId): void {
  counts.set(peer, (counts.get(peer) ?? 0) + 1)
}

function uncount(counts: Map<PeerId, number>, peer: PeerId): void {
  const left = (counts.get(peer) ?? 1) - 1
  if (left > 0) counts.set(peer, left)
  else counts.delete(peer)
}

/** Counts what was refused of each requester lately. */
class Refusals {
  private readonly counts = new Map<PeerId, { sinceMs: number; number: number }>()

  forgive(requester: PeerId): void {
    this.counts.delete(requester)
  }

  /** One more request was refused. @returns whether that is a flood; the count begins anew then. */
  isFlood(requester: PeerId, nowMs: number): boolean {
    let count = this.counts.get(requester)
    if (count === undefined || nowMs - count.sinceMs > REFUSALS_WITHIN_MS) {
      count = { sinceMs: nowMs, number: 0 }
      if (this.counts.size >= REQUESTERS_MAX)
        this.counts.delete(this.counts.keys().next().value as PeerId)
      this.counts.set(requester, count)
    }
    count.number++
    if (count.number < REFUSALS_MAX) return false
    this.counts.delete(requester)
    return true
  }
}

interface Asked {
  readonly peer: PeerId
  readonly atMs: number
}

/** Knows whether more than one requester is using the lane, from the two that asked last. */
class Company {
  private latest: Asked | undefined
  private other: Asked | undefined

  asked(requester: PeerId, nowMs: number): void {
    if (this.latest !== undefined && this.latest.peer !== requester) this.other = this.latest
    this.latest = { peer: requester, atMs: nowMs }
  }

  isAlone(requester: PeerId, nowMs: number): boolean {
    const other = this.latest?.peer === requester ? this.other : this.latest
    return other === undefined || nowMs - other.atMs > ALONE_AFTER_MS
  }
}
