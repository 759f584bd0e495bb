import type { EngineName } from '@layerswarm/model'
import { claimTtlMs } from '../claims/claim-ttl.ts'
import type { ClaimPolicy } from '../claims/policy.ts'
import { type Effect, encoded, type LayerRun } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import { SAY_AGAIN_MS, SILENT_CLAIM_MS } from '../limits.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import { follows, isUnchanged, type ModelShape, sameStep, supersedes } from '../step.ts'
import type { Claim, Done, PeerId, RequestId, Step } from '../wire/messages.ts'
import { Admissions } from './admission.ts'
import { Bidding } from './bidding.ts'
import { ClaimBook } from './claim-book.ts'
import { Flight } from './flight.ts'
import { isTensorLost } from './lost-tensor.ts'
import { Outputs } from './outputs.ts'
import { Pace } from './pace.ts'
import { Rivals } from './rivals.ts'
import { type LayerJob, Work } from './work.ts'

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

/** A provider's load and speed as plain data; times in milliseconds. */
export interface ProviderState {
  /** Layers delivered so far. */
  readonly served: number
  readonly layerMs: number
  readonly timeShare: number
  /** Requests that it follows. */
  readonly following: number
  readonly running: number
  readonly restsUntilMs: number
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
  private readonly options: ProviderOptions
  private readonly table: PeerTable
  private readonly flights = new Map<RequestId, Flight>()
  private readonly spokeAtMs = new Map<RequestId, number>()
  private readonly admissions = new Admissions()
  private readonly claims = new ClaimBook()
  private readonly outputs = new Outputs()
  private readonly pace = new Pace()
  private readonly work: Work
  private readonly rivals: Rivals
  private readonly bidding: Bidding

  /** @param hosted the layers that are loaded; kept by the caller, who says so with `hostsChanged`. */
  constructor(
    options: ProviderOptions,
    table: PeerTable,
    hosted: ReadonlySet<number>,
    nextJob: () => JobId,
  ) {
    this.options = options
    this.table = table
    this.work = new Work(options, nextJob)
    const { claims, work, pace } = this
    this.rivals = new Rivals(options, table, claims)
    const { rivals } = this
    this.bidding = new Bidding(options, hosted, { rivals, claims, work, pace })
  }

  state(): ProviderState {
    return {
      served: this.pace.served,
      layerMs: this.pace.layerMs,
      timeShare: this.work.timeShare,
      following: this.flights.size,
      running: this.work.size,
      restsUntilMs: this.work.restsUntilMs,
    }
  }

  /** Free slots and the time from one run to the next, milliseconds, for an announcement that goes out now. */
  announce(): { freeSlots: number; layerMs: number } {
    const layerMs = this.work.paceMs(this.pace.layerMs)
    this.pace.announced(layerMs)
    return { freeSlots: this.work.freeSlots, layerMs }
  }

  /** A presence interval is over. */
  intervalPassed(): void {
    this.pace.idle()
  }

  /** By how much its speed differs from what was announced, milliseconds. */
  speedChangeMs(): number {
    return Math.abs(this.work.paceMs(this.pace.layerMs) - this.pace.announcedMs)
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

  /** The layers that it hosts have changed. */
  hostsChanged(nowMs: number): Effect[] {
    return this.bidOnIdle(nowMs)
  }

  onStep(from: PeerId, step: Step, nowMs: number): Effect[] {
    const flight = this.flights.get(step.request)
    if (flight === undefined) return this.onFirstStep(step, nowMs)
    const { newest } = flight
    if (newest.requester !== step.requester) return []
    if (sameStep(step, newest)) return this.reoffered(flight, step, nowMs)
    if (!supersedes(step, newest))
      return from === step.requester ? this.overtaken(flight, nowMs) : []
    if (isUnchanged(step, newest)) return []
    this.judgeAuthor(flight, step, nowMs)
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
    const flight = job && this.flights.get(job.request)
    if (job === undefined || flight === undefined) return []
    if (bytes !== undefined) return [this.run(flight, job, bytes, nowMs)]
    // The newest tensor cannot be had from here: let another peer try, or go back a step.
    this.work.forget(job)
    this.claims.free(flight.request)
    flight.declinedBy(this.options.self)
    flight.pullFailed()
    const released = this.release(flight, job.layer)
    this.judgeTensor(flight)
    return [released, ...this.bid(flight, nowMs)]
  }

  onLayerRun(id: JobId, outcome: LayerRun, nowMs: number): Effect[] {
    const job = this.work.runEnded(id, nowMs)
    const flight = job && this.flights.get(job.request)
    if (job === undefined || flight === undefined) return this.superseded(outcome)
    if ('failure' in outcome) return this.runFailed(flight, job, outcome.failure, nowMs)
    const { activation, ms } = outcome
    const { layer, hop } = job
    const { request } = flight
    this.pace.ran(ms, true)
    if (activation.place === 'held')
      this.outputs.keep(request, { hash: activation.hash, hop: hop + 1 })
    this.spokeAtMs.set(request, nowMs)
    const { self, backend } = this.options
    const step: Step = {
      ...flight.newest,
      route: [...flight.newest.route, { layer, peer: self, backend, ms }],
      activation,
      remainingMs: flight.remainingMs(nowMs),
    }
    return [
      { do: 'publish', message: step },
      { do: 'report', event: { type: 'hop-served', request, hop, layer, ms } },
      ...this.bidOnIdle(nowMs),
    ]
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

  /** What a newer step tells of its author, and of whoever had claimed the one before. */
  private judgeAuthor(flight: Flight, step: Step, nowMs: number): void {
    const claim = this.claims.get(flight.request)
    const author = step.route.at(-1)?.peer
    if (claim !== undefined && claim.untilMs <= nowMs && claim.peer !== author)
      this.rivals.missed(flight, claim.peer, nowMs)
    // Who goes on with their own output shows nothing of the way between peers.
    if (author !== undefined && author !== flight.author && follows(step, flight.newest))
      this.rivals.delivered(flight, author, nowMs)
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
    this.judgeTensor(flight)
    return this.bid(flight, nowMs)
  }

  /**
   * The requester is behind: if the newer step is this peer's own, it was lost on the way, so say it
   * again. Nobody else is answered, and nobody twice: two routes that cross would never fall silent.
   */
  private overtaken(flight: Flight, nowMs: number): Effect[] {
    const { request, newest } = flight
    if (flight.author !== this.options.self) return []
    if (nowMs - (this.spokeAtMs.get(request) ?? Number.NEGATIVE_INFINITY) < SAY_AGAIN_MS) return []
    this.spokeAtMs.set(request, nowMs)
    return [{ do: 'publish', message: { ...newest, remainingMs: flight.remainingMs(nowMs) } }]
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

  /** A slot or a layer became free: bid on everything that nobody works on. */
  private bidOnIdle(nowMs: number): Effect[] {
    if (!this.bidding.isOpen) return []
    const effects: Effect[] = []
    for (const flight of this.flights.values()) {
      const isIdle = this.bidding.dueMs(flight) === Number.POSITIVE_INFINITY
      if (isIdle && !this.work.has(flight.request)) effects.push(...this.bid(flight, nowMs))
    }
    return effects
  }

  /** Takes the newest step, if there is a layer to take. */
  private claim(flight: Flight, layer: number | undefined, nowMs: number): Effect[] {
    if (layer === undefined) return []
    const { request, newest } = flight
    const { era, route, activation } = newest
    const offer = { ...this.bidding.offer(), layerMs: this.pace.layerMs }
    const expectedMs = this.rivals.ownFinishMs(flight, offer)
    const ttlMs = claimTtlMs(expectedMs)
    const job = this.work.begin(request, layer, route.length)
    this.claims.put(request, { peer: this.options.self, untilMs: nowMs + ttlMs })
    const effects: Effect[] = []
    if (expectedMs > SILENT_CLAIM_MS) {
      const { hop } = job
      effects.push({
        do: 'publish',
        message: { kind: 'claim', request, era, hop, layer, ttlMs },
      })
    }
    if (activation.place === 'held') effects.push({ do: 'pull', job: job.id, tensor: activation })
    else effects.push(this.run(flight, job, activation.bytes, nowMs))
    return effects
  }

  private run({ newest }: Flight, job: LayerJob, bytes: Uint8Array, nowMs: number): Effect {
    this.work.runBegan(job, nowMs)
    const { id, layer, hop } = job
    return { do: 'run-layer', job: id, layer, hop, input: encoded(newest.activation, bytes) }
  }

  private runFailed(flight: Flight, job: LayerJob, reason: string, nowMs: number): Effect[] {
    const { layer, hop } = job
    const { request } = flight
    flight.letDownBy(this.options.self)
    this.claims.free(request)
    this.bidding.ails(nowMs)
    return [
      this.release(flight, layer),
      { do: 'report', event: { type: 'hop-failed', request, hop, layer, reason } },
      ...this.bid(flight, nowMs),
      ...this.bidOnIdle(nowMs),
    ]
  }

  /**
   * A run ended that nobody will ask for. How slow it was still counts, or a straggler whose runs all
   * come too late would go on to believe that it is quick.
   */
  private superseded(outcome: LayerRun): Effect[] {
    if ('failure' in outcome) return []
    this.pace.ran(outcome.ms, false)
    const { activation } = outcome
    return activation.place === 'held' ? [{ do: 'withdraw', hash: activation.hash }] : []
  }

  /** Tells the others not to wait for this peer. */
  private release({ request, newest }: Flight, layer: number): Effect {
    const { era, route } = newest
    const hop = route.length
    return { do: 'publish', message: { kind: 'claim', request, era, hop, layer, ttlMs: 0 } }
  }

  private judgeTensor(flight: Flight): void {
    if (isTensorLost(flight, this.table, this.options.self)) flight.goBack()
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
    this.spokeAtMs.delete(request)
    this.flights.delete(request)
    this.admissions.ended(request, newest.requester, done, nowMs)
    return effects.concat(this.bidOnIdle(nowMs))
  }
}
