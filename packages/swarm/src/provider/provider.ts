import type { EngineName } from '@layerswarm/model'
import type { ClaimPolicy } from '../claims/policy.ts'
import type { Effect, LayerRun } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import { isUnchanged, type ModelShape, sameStep, supersedes } from '../step.ts'
import type { Claim, Done, PeerId, RequestId, Step } from '../wire/messages.ts'
import { Admissions } from './admission.ts'
import { Bidding } from './bidding.ts'
import { ClaimBook } from './claim-book.ts'
import { Flight } from './flight.ts'
import { judgeTensor } from './lost-tensor.ts'
import { Outputs } from './outputs.ts'
import { Pace } from './pace.ts'
import { Rivals } from './rivals.ts'
import { Serving } from './serving.ts'
import { Throughput } from './throughput.ts'
import { Work } from './work.ts'

/** What a provider is made from. */
export interface ProviderOptions {
  readonly self: PeerId
  readonly shape: ModelShape
  readonly backend: EngineName
  readonly policy: ClaimPolicy
  /** Layer runs accepted at once. */
  readonly slots: number
  /** Share of the time that layer runs may take, above 0 and at most 1. */
  readonly timeShare: number
  /** Least time between the claims of two neighbours in rank, milliseconds. */
  readonly staggerMs: number
}

/**
 * Serves layers: bids for steps, runs what it won, stands by for what others won.
 *
 * 1. It runs at most one layer per request at a time, and only layers that it hosts.
 * 2. It never bids on a step that it knows to be superseded.
 * 3. Its claim and its next step name the era and the hop of the step they follow.
 * 4. It keeps its own output until the request is two hops further, done or past its deadline.
 * 5. It follows only requests that were admitted.
 * 6. Its runs take no more than its share of the time; the author of a step never waits for the rest.
 */
export class Provider {
  /** What others are told of its load and speed. */
  readonly throughput: Throughput
  private readonly options: ProviderOptions
  private readonly table: PeerTable
  private readonly flights = new Map<RequestId, Flight>()
  private readonly admissions = new Admissions()
  private readonly claims = new ClaimBook()
  private readonly outputs = new Outputs()
  private readonly pace = new Pace()
  private readonly work: Work
  private readonly rivals: Rivals
  private readonly bidding: Bidding
  private readonly serving: Serving

  /** @param hosted the layers that are loaded; kept by the caller, who calls `bidOnIdle` when it changes. */
  constructor(
    options: ProviderOptions,
    table: PeerTable,
    hosted: ReadonlySet<number>,
    nextJob: () => JobId,
  ) {
    this.options = options
    this.table = table
    this.work = new Work(options, nextJob)
    this.rivals = new Rivals(options, table, this.claims)
    const { claims, outputs, pace, work, rivals } = this
    this.throughput = new Throughput(work, pace)
    this.bidding = new Bidding(options, hosted, { rivals, claims, work, pace })
    this.serving = new Serving(options, { work, pace, claims, outputs, rivals })
  }

  /** Requests that it follows. */
  get following(): number {
    return this.flights.size
  }

  /** How much of the time its runs may take from now on, above 0 and at most 1. */
  setTimeShare(share: number, nowMs: number): Effect[] {
    this.work.timeShare = share
    // Bids that were put off until the end of a rest are reckoned anew.
    const waiting = [...this.flights.values()].filter(({ request }) => !this.work.has(request))
    return waiting.flatMap((flight) => this.bid(flight, nowMs))
  }

  /** Bids or stops bidding; running layers are finished either way. */
  setActive(active: boolean, nowMs: number): Effect[] {
    this.bidding.active = active
    return active ? this.bidOnIdle(nowMs) : []
  }

  /** A slot or a layer is free: bid on everything that nobody works on. */
  bidOnIdle(nowMs: number): Effect[] {
    if (!this.bidding.isOpen) return []
    const effects: Effect[] = []
    for (const flight of this.flights.values()) {
      const isIdle = this.bidding.dueMs(flight) === Number.POSITIVE_INFINITY
      if (isIdle && !this.work.has(flight.request)) effects.push(...this.bid(flight, nowMs))
    }
    return effects
  }

  onStep(from: PeerId, step: Step, nowMs: number): Effect[] {
    const flight = this.flights.get(step.request)
    if (flight === undefined) return this.onFirstStep(step, nowMs)
    const { newest } = flight
    if (newest.requester !== step.requester) return []
    if (sameStep(step, newest)) return this.reoffered(flight, step, nowMs)
    if (!supersedes(step, newest))
      return from === step.requester ? this.serving.sayAgain(flight, nowMs) : []
    if (isUnchanged(step, newest)) return []
    this.rivals.superseded(flight, step, nowMs)
    flight.advance(step, nowMs)
    return this.begin(flight, nowMs)
  }

  onClaim(from: PeerId, claim: Claim, nowMs: number): Effect[] {
    const flight = this.flights.get(claim.request)
    if (flight === undefined) return []
    const effects: Effect[] = []
    if (flight.isBehind(claim)) {
      effects.push(...this.letGo(flight))
      flight.goBack()
    }
    const { era, route } = flight.newest
    if (claim.era !== era || claim.hop !== route.length) return effects
    if (claim.ttlMs === 0) return effects.concat(this.declined(flight, from, nowMs))
    return effects.concat(this.claimed(flight, from, claim, nowMs))
  }

  onDone(from: PeerId, { request }: Done, nowMs: number): Effect[] {
    const flight = this.flights.get(request)
    if (flight === undefined || flight.newest.requester !== from) return []
    return this.close(flight, true, nowMs)
  }

  onDisconnected(peer: PeerId, nowMs: number): Effect[] {
    const effects: Effect[] = []
    for (const flight of this.flights.values()) {
      if (this.claims.get(flight.request)?.peer !== peer) continue
      flight.letDownBy(peer)
      flight.disturb()
      this.claims.free(flight.request)
      effects.push(...this.bid(flight, nowMs))
    }
    return effects
  }

  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): Effect[] {
    const job = this.work.get(id)
    if (job === undefined) return []
    if (bytes !== undefined) return [this.serving.run(job, bytes, nowMs)]
    const released = this.serving.giveUp(job)
    judgeTensor(job.flight, this.table, this.options.self)
    return [released, ...this.bid(job.flight, nowMs)]
  }

  onLayerRun(id: JobId, outcome: LayerRun, nowMs: number): Effect[] {
    const job = this.work.runEnded(id, nowMs)
    if (job === undefined) return this.serving.superseded(outcome)
    if ('failure' in outcome) {
      this.bidding.ails(nowMs)
      const effects = this.serving.failed(job, outcome.failure)
      return [...effects, ...this.bid(job.flight, nowMs), ...this.bidOnIdle(nowMs)]
    }
    return [...this.serving.delivered(job, outcome, nowMs), ...this.bidOnIdle(nowMs)]
  }

  onTime(nowMs: number): Effect[] {
    const effects: Effect[] = []
    for (const flight of this.flights.values()) {
      if (nowMs >= flight.deadlineMs) effects.push(...this.close(flight, false, nowMs))
      else if (nowMs >= this.bidding.dueMs(flight))
        effects.push(...this.claim(flight, this.bidding.choose(flight, nowMs), nowMs))
    }
    this.admissions.forgetFinished(nowMs)
    return effects
  }

  /** When `onTime` is due next. */
  wakeAtMs(): number {
    let at = Number.POSITIVE_INFINITY
    for (const flight of this.flights.values())
      at = Math.min(at, this.bidding.dueMs(flight), flight.deadlineMs)
    return at
  }

  private onFirstStep(step: Step, nowMs: number): Effect[] {
    const { request, requester } = step
    const admission = this.admissions.judge(request, requester, nowMs)
    if (admission === 'ban') return [{ do: 'ban', peer: requester }]
    if (admission === 'ignore') return []
    const flight = new Flight(step, nowMs)
    this.flights.set(request, flight)
    return this.begin(flight, nowMs)
  }

  /** Work on a new step. */
  private begin(flight: Flight, nowMs: number): Effect[] {
    return [
      ...this.letGo(flight),
      ...this.outputs.advanced(flight.request, flight.newest.route.length),
      ...this.bid(flight, nowMs),
    ]
  }

  /** Somebody claims the newest step. */
  private claimed(flight: Flight, from: PeerId, claim: Claim, nowMs: number): Effect[] {
    const { request } = flight
    if (this.rivals.isDistrusted(from, nowMs)) return []
    const holder = this.claims.get(request)
    const contested = holder !== undefined && holder.peer !== from && holder.untilMs > nowMs
    if (contested && !this.rivals.prevails(claim, from, holder.peer)) return []
    if (holder === undefined) this.rivals.responded(flight, from, nowMs)
    const effects = holder?.peer === this.options.self ? this.work.abandon(request) : []
    const ownMs = this.rivals.ownFinishMs(flight, this.bidding.offer())
    const ttlMs = Math.min(claim.ttlMs, this.rivals.patienceMs(from, ownMs))
    this.claims.put(request, { peer: from, untilMs: nowMs + ttlMs })
    return effects.concat(this.bid(flight, nowMs))
  }

  /** A claimer cannot do it after all: somebody else may. */
  private declined(flight: Flight, from: PeerId, nowMs: number): Effect[] {
    const { request } = flight
    flight.declinedBy(from)
    flight.disturb()
    const holder = this.claims.get(request)
    if (holder !== undefined && holder.peer !== from) return []
    this.claims.free(request)
    if (holder !== undefined) flight.pullFailed()
    judgeTensor(flight, this.table, this.options.self)
    return this.bid(flight, nowMs)
  }

  /** The requester says the newest step again: whoever claimed it has not delivered. */
  private reoffered(flight: Flight, step: Step, nowMs: number): Effect[] {
    flight.repeat(step, nowMs)
    if (this.work.has(flight.request) || this.claims.isHeld(flight.request, nowMs)) return []
    return this.claim(flight, this.bidding.hurry(flight, nowMs), nowMs)
  }

  private bid(flight: Flight, nowMs: number): Effect[] {
    return this.claim(flight, this.bidding.plan(flight, nowMs), nowMs)
  }

  /** Takes a layer of the newest step, if there is one to take. */
  private claim(flight: Flight, layer: number | undefined, nowMs: number): Effect[] {
    if (layer === undefined) return []
    const offer = { ...this.bidding.offer(), layerMs: this.pace.layerMs }
    return this.serving.claim(flight, layer, offer, nowMs)
  }

  /** Gives up the work and the claim on a step that is not the newest any more. */
  private letGo({ request }: Flight): Effect[] {
    const effects = this.work.abandon(request)
    this.claims.free(request)
    return effects
  }

  private close(flight: Flight, done: boolean, nowMs: number): Effect[] {
    const { request, newest } = flight
    const effects = this.letGo(flight)
    effects.push(...this.outputs.release(request))
    this.bidding.forget(flight)
    this.flights.delete(request)
    this.admissions.ended(request, newest.requester, done, nowMs)
    return effects.concat(this.bidOnIdle(nowMs))
  }
}
