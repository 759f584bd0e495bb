import { NEAR_MS } from '../claims/limits.ts'
import type { ClaimPolicy } from '../claims/policy.ts'
import { AILING_MS } from '../limits.ts'
import type { ModelShape } from '../step.ts'
import type { PeerId, RequestId } from '../wire/messages.ts'
import type { ClaimBook } from './claim-book.ts'
import type { Flight } from './flight.ts'
import { layersNext } from './layers-next.ts'
import type { Pace } from './pace.ts'
import type { OwnOffer, Rivals } from './rivals.ts'
import type { Work } from './work.ts'

const NEVER = Number.POSITIVE_INFINITY

/** For whom, by which policy and for which model a provider bids. */
export interface BiddingOptions {
  readonly self: PeerId
  readonly policy: ClaimPolicy
  readonly shape: ModelShape
}

/** What a provider reckons with when it bids; all of it is shared with the provider's other parts. */
export interface BiddingNeeds {
  readonly rivals: Rivals
  readonly claims: ClaimBook
  readonly work: Work
  readonly pace: Pace
}

/**
 * Decides when a provider claims the newest step of a request, and which layer of it.
 *
 * 1. It names layers only when they may be claimed now: they are hosted and open, there is a free
 *    slot, nobody's claim holds, and the provider neither rests nor ails nor is paused.
 * 2. Each request is due at one moment at most; what is decided anew replaces what was planned.
 */
export class Bidding {
  private readonly options: BiddingOptions
  private readonly hosted: ReadonlySet<number>
  private readonly needs: BiddingNeeds
  private readonly dueAtMs = new Map<RequestId, number>()
  private isActive = true
  /** A layer run failed, so its engine is likely to fail again before this. */
  private ailsUntilMs = 0

  /** @param hosted layers that are loaded here. */
  constructor(options: BiddingOptions, hosted: ReadonlySet<number>, needs: BiddingNeeds) {
    this.options = options
    this.hosted = hosted
    this.needs = needs
  }

  /** Bids or stops bidding. */
  set active(active: boolean) {
    this.isActive = active
  }

  /** The engine failed: it is given a moment to recover. */
  ails(nowMs: number): void {
    this.ailsUntilMs = nowMs + AILING_MS
  }

  /** Whether its engine has failed just now. */
  isAiling(nowMs: number): boolean {
    return this.ailsUntilMs > nowMs
  }

  /** Whether it could take on anything at all. */
  get isOpen(): boolean {
    return this.isActive && this.needs.work.freeSlots > 0
  }

  /** When the request is due; Infinity when it is not planned. */
  dueMs({ request }: Flight): number {
    return this.dueAtMs.get(request) ?? NEVER
  }

  /** The request has ended. */
  forget({ request }: Flight): void {
    this.dueAtMs.delete(request)
  }

  /** What others know of this provider, so that its own rank is what they expect. */
  offer(): OwnOffer {
    const { work, pace } = this.needs
    return { pending: work.size, layerMs: pace.announcedMs, unproven: pace.served === 0 }
  }

  /** Plans a claim on the newest step. @returns the layers to claim, if that is now. */
  plan(flight: Flight, nowMs: number): readonly number[] | undefined {
    const { request } = flight
    const { rivals, claims, work } = this.needs
    this.dueAtMs.delete(request)
    const open = work.has(request) ? undefined : flight.open(this.options.shape.layers)
    if (open === undefined || !this.canServe(open, flight)) return undefined
    const { ahead, favourite } = rivals.rank(flight, this.offer(), open, nowMs)
    flight.wait.expect(favourite)
    const freeAtMs = Math.max(
      nowMs,
      claims.get(request)?.untilMs ?? nowMs,
      this.ailsUntilMs,
      work.restsUntilMs,
    )
    const atMs = freeAtMs + this.options.policy.delayMs(ahead, rivals.staggerMs())
    if (atMs <= nowMs) return this.choose(flight, nowMs)
    this.dueAtMs.set(request, atMs)
    return undefined
  }

  /** Plans anew because it was asked again, which is no reason to wait longer. @returns like `plan`. */
  hurry(flight: Flight, nowMs: number): readonly number[] | undefined {
    const plannedMs = this.dueMs(flight)
    const layers = this.plan(flight, nowMs)
    if (layers === undefined && plannedMs < this.dueMs(flight))
      this.dueAtMs.set(flight.request, plannedMs)
    return layers
  }

  /** The planned time has come. @returns the layers to claim now, if it still may. */
  choose(flight: Flight, nowMs: number): readonly number[] | undefined {
    const { request } = flight
    const { rivals, claims, work } = this.needs
    const claim = claims.get(request)
    if (claim !== undefined) {
      if (claim.untilMs > nowMs) return this.plan(flight, nowMs)
      rivals.missed(flight, claim.peer, nowMs)
      claims.free(request)
    }
    // Another request was served since: this one waits until the rest is over.
    if (work.restsUntilMs > nowMs) return this.plan(flight, nowMs)
    this.dueAtMs.delete(request)
    return this.visit(flight)
  }

  /**
   * This provider was named for the step.
   * @returns the layers that it runs; that it can only pass the tensor on, for none of them is open; that
   * it cannot do it now; or that it is at it already.
   */
  answer(flight: Flight, nowMs: number): readonly number[] | 'relay' | 'decline' | 'at-work' {
    if (this.needs.work.has(flight.request)) return 'at-work'
    const open = flight.open(this.options.shape.layers)
    if (open === undefined || !this.hostsOneOf(open)) return 'relay'
    return this.accept(flight, nowMs) ?? 'decline'
  }

  /**
   * The layers of this member's own request that it runs before it asks anybody, because its work costs
   * no more than one way to a near peer would.
   * @param usualMs one layer as others announce it, milliseconds.
   */
  ownShare(flight: Flight, usualMs: number, nowMs: number): readonly number[] | undefined {
    const layers = this.accept(flight, nowMs)
    if (layers === undefined) return undefined
    const { pace } = this.needs
    const dearerMs = layers.length * (pace.layerMs - usualMs)
    return !pace.isMeasured || dearerMs <= NEAR_MS ? layers : undefined
  }

  /** The layers that it runs at once when asked to, or undefined when it cannot. */
  private accept(flight: Flight, nowMs: number): readonly number[] | undefined {
    const { work } = this.needs
    if (work.restsUntilMs > nowMs || this.ailsUntilMs > nowMs) return undefined
    this.dueAtMs.delete(flight.request)
    return this.visit(flight)
  }

  /** The open layers that it would run now, in their order. */
  private visit(flight: Flight): readonly number[] | undefined {
    const { shape, policy, self } = this.options
    const open = flight.open(shape.layers)
    if (open === undefined || !this.canServe(open, flight)) return undefined
    const { newest, request } = flight
    const able = layersNext(newest, shape.layers, (layer) => this.hosted.has(layer))
    const ordered = newest.plan.length > 0 ? able : policy.order(able, request, self)
    return ordered.slice(0, policy.visitLayers)
  }

  private canServe(open: readonly boolean[], { payer }: Flight): boolean {
    return this.isOpen && this.hostsOneOf(open) && this.needs.work.hasRoomFor(payer)
  }

  private hostsOneOf(open: readonly boolean[]): boolean {
    for (const layer of this.hosted) if (open[layer]) return true
    return false
  }
}
