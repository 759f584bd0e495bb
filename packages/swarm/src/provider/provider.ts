import type { EngineName } from '@layerswarm/model'
import { claimTtlMs, delayMs } from '../claims/first-answer.ts'
import { pick } from '../draw.ts'
import { type Effect, encoded, type LayerRun } from '../effects.ts'
import {
  AILING_MS,
  ERAS_MAX,
  FINISHED_REMEMBERED_MAX,
  FINISHED_REMEMBERED_MS,
  SAY_AGAIN_MS,
  SILENT_CLAIM_MS,
} from '../limits.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import { follows, isComplete, isUnchanged, openLayers, sameStep, supersedes } from '../step.ts'
import type { Claim, Done, PeerId, RequestId, Step } from '../wire/messages.ts'
import { Admissions } from './admission.ts'
import { Duty } from './duty.ts'
import {
  advanceFlight,
  type Flight,
  isClaimed,
  type Job,
  openFlight,
  returnFlight,
} from './flight.ts'
import { type OwnOffer, Rivals, type RivalsOptions } from './rivals.ts'

export interface ProviderOptions extends RivalsOptions {
  readonly backend: EngineName
  /** Layer runs accepted at once. */
  readonly slots: number
  /** Share of the time that layer runs may take, above 0 and at most 1. */
  readonly timeShare: number
}

/** So many peers try to pull a tensor before the step before it is offered again. */
const PULLERS_MAX = 2
const NEVER = Number.POSITIVE_INFINITY
/** Per presence interval without work: a peer that measured ten times too slow is back in half a minute. */
const IDLE_HOPE = 0.8
/** Weight of one more run in the average, when the last one was just now. */
const MEASURED_WEIGHT = 0.1

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
  readonly hosted = new Set<number>()
  served = 0
  /** Moving average of one layer run, milliseconds. */
  private measuredMs = 1
  private isMeasured = false
  /** What of it is believed: less after idle times, see `rest`. */
  private hope = 1
  /** What of it was last announced: others rank this peer by it, so it ranks itself by it. */
  announcedMs = 1
  private servedBefore = 0
  private active = true
  /** A layer run failed, so its engine is likely to fail again before this. */
  private ailingUntilMs = 0
  private readonly options: ProviderOptions
  private readonly table: PeerTable
  private readonly nextJob: () => number
  private readonly flights = new Map<RequestId, Flight>()
  private readonly byJob = new Map<number, Flight>()
  private readonly finished = new Map<RequestId, number>()
  private readonly admissions = new Admissions()
  private readonly rivals: Rivals
  private readonly duty: Duty

  constructor(options: ProviderOptions, table: PeerTable, nextJob: () => number) {
    this.options = options
    this.rivals = new Rivals(options, table)
    this.duty = new Duty(options.timeShare)
    this.table = table
    this.nextJob = nextJob
  }

  get jobs(): number {
    return this.byJob.size
  }

  get following(): number {
    return this.flights.size
  }

  get freeSlots(): number {
    return Math.max(0, this.duty.slots(this.options.slots) - this.byJob.size)
  }

  /** Moving average from the start of one run until the next may begin, milliseconds. */
  get paceMs(): number {
    return this.duty.paceMs(this.layerMs)
  }

  get timeShare(): number {
    return this.duty.share
  }

  isResting(nowMs: number): boolean {
    return this.duty.restsUntilMs > nowMs
  }

  /** How much of the time its runs may take from now on, above 0 and at most 1. */
  setTimeShare(share: number, nowMs: number): Effect[] {
    this.duty.setShare(share)
    // Bids that were put off until the end of a rest are reckoned anew.
    const waiting = [...this.flights.values()].filter(({ job }) => job === undefined)
    return waiting.flatMap((flight) => this.bid(flight, nowMs))
  }

  /** Bids or stops bidding; running layers are finished either way. */
  setActive(active: boolean, nowMs: number): Effect[] {
    this.active = active
    return active ? this.bidOnIdle(nowMs) : []
  }

  /**
   * Called once per presence: a provider that got no work since believes itself a little faster.
   * Otherwise one slow measurement (a cold start, a busy moment) would rank it last for ever.
   */
  rest(): void {
    if (this.served === this.servedBefore) this.hope *= IDLE_HOPE
    this.servedBefore = this.served
  }

  hostsChanged(nowMs: number): Effect[] {
    return this.bidOnIdle(nowMs)
  }

  onStep(from: PeerId, step: Step, nowMs: number): Effect[] {
    if (this.finished.has(step.request)) return []
    const flight = this.flights.get(step.request)
    if (flight === undefined) return this.onFirstStep(step, nowMs)
    const { base } = flight
    if (base.requester !== step.requester) return []
    if (sameStep(step, base)) return this.reoffered(flight, step, nowMs)
    if (!supersedes(step, base)) return from === step.requester ? this.overtaken(flight, nowMs) : []
    if (isUnchanged(step, base)) return []
    this.advance(flight, step, nowMs)
    return this.begin(flight, nowMs)
  }

  private onFirstStep(step: Step, nowMs: number): Effect[] {
    const { request, requester } = step
    const admission = this.admissions.judge(requester, nowMs)
    if (admission !== 'follow') return admission === 'ban' ? [{ do: 'ban', peer: requester }] : []
    const flight = openFlight(step, nowMs)
    this.flights.set(request, flight)
    return this.begin(flight, nowMs)
  }

  /** Work on a new step. */
  private begin(flight: Flight, nowMs: number): Effect[] {
    const effects = this.abandon(flight)
    this.setClaim(flight, undefined)
    effects.push(...this.releaseOld(flight))
    if (isComplete(flight.base, this.options.shape.layers)) flight.bidAtMs = NEVER
    else effects.push(...this.bid(flight, nowMs))
    return effects
  }

  onClaim(from: PeerId, claim: Claim, nowMs: number): Effect[] {
    const flight = this.flights.get(claim.request)
    if (flight === undefined) return []
    const { previous } = flight
    if (
      previous !== undefined &&
      claim.era === flight.base.era + 1 &&
      claim.hop === previous.route.length
    ) {
      const effects = this.abandon(flight)
      this.setClaim(flight, undefined)
      returnFlight(flight, previous)
      return effects.concat(this.onClaim(from, claim, nowMs))
    }
    if (claim.era !== flight.base.era || claim.hop !== flight.base.route.length) return []
    if (claim.ttlMs === 0) return this.released(flight, from, nowMs)
    const { conduct } = this.rivals
    if (conduct.isDistrusted(from, nowMs)) return []
    const holder = flight.claim
    const contested = holder !== undefined && holder.peer !== from && holder.untilMs > nowMs
    if (contested && !this.rivals.prevails(claim, from, holder.peer)) return []
    if (holder === undefined) this.rivals.responded(flight, from, nowMs)
    const effects = holder?.peer === this.options.self ? this.abandon(flight) : []
    const ownMs = this.rivals.ownFinishMs(flight, this.offer())
    const ttlMs = Math.min(claim.ttlMs, conduct.patienceMs(from, ownMs))
    this.setClaim(flight, { peer: from, untilMs: nowMs + ttlMs })
    return effects.concat(this.bid(flight, nowMs))
  }

  /** A claimer cannot do it after all: somebody else may. */
  private released(flight: Flight, from: PeerId, nowMs: number): Effect[] {
    flight.gaveUp.add(from)
    flight.disturbed = true
    if (flight.claim?.peer === from) {
      this.setClaim(flight, undefined)
      flight.pullsFailed++
    }
    if (flight.claim !== undefined) return []
    this.judgeTensor(flight)
    return this.bid(flight, nowMs)
  }

  /** A newer step than the flight's. */
  private advance(flight: Flight, step: Step, nowMs: number): void {
    const { base, claim } = flight
    const author = step.route.at(-1)?.peer
    const next = follows(step, base)
    if (claim !== undefined && !isClaimed(flight, nowMs) && claim.peer !== author)
      this.missed(flight, claim.peer, nowMs)
    // Who goes on with their own output shows nothing of the way between peers.
    if (next && author !== undefined && author !== base.route.at(-1)?.peer)
      this.rivals.delivered(flight, author, nowMs)
    advanceFlight(flight, step, next ? base : undefined, nowMs)
  }

  onDone(from: PeerId, { request }: Done, nowMs: number): Effect[] {
    const flight = this.flights.get(request)
    if (flight === undefined || flight.base.requester !== from) return []
    return this.close(request, flight, true, nowMs)
  }

  onDisconnected(peer: PeerId, nowMs: number): Effect[] {
    const effects: Effect[] = []
    for (const flight of this.flights.values()) {
      if (flight.claim?.peer !== peer) continue
      flight.failed.add(peer)
      flight.disturbed = true
      this.setClaim(flight, undefined)
      effects.push(...this.bid(flight, nowMs))
    }
    return effects
  }

  onPulled(job: number, bytes: Uint8Array | undefined, nowMs: number): Effect[] | undefined {
    const flight = this.byJob.get(job)
    if (flight?.job === undefined) return undefined
    if (bytes === undefined) return this.pullFailed(flight, nowMs)
    return [this.run(flight, flight.job, bytes, nowMs)]
  }

  onLayerRun(job: number, outcome: LayerRun, nowMs: number): Effect[] {
    this.duty.runEnded(nowMs)
    const flight = this.byJob.get(job)
    if (flight?.job === undefined) {
      // Superseded while it ran: nobody will ask for the result. How slow it was still counts, or a
      // straggler whose runs all come too late would go on to believe that it is quick.
      if (!('failure' in outcome)) this.measured(outcome.ms)
      return 'failure' in outcome || outcome.activation.place === 'inline'
        ? []
        : [{ do: 'withdraw', hash: outcome.activation.hash }]
    }
    const { layer, hop } = flight.job
    const { request, requester, era, route, plan } = flight.base
    this.forgetJob(flight)
    if ('failure' in outcome) {
      flight.failed.add(this.options.self)
      this.setClaim(flight, undefined)
      this.ailingUntilMs = nowMs + AILING_MS
      const released: Effect = {
        do: 'publish',
        message: { kind: 'claim', request, era, hop, layer, ttlMs: 0 },
      }
      const reported: Effect = {
        do: 'report',
        event: { type: 'hop-failed', request, hop, layer, reason: outcome.failure },
      }
      return [released, reported, ...this.bid(flight, nowMs), ...this.bidOnIdle(nowMs)]
    }
    const { activation, ms } = outcome
    this.measured(ms)
    this.served++
    if (activation.place === 'held') flight.held.push({ hash: activation.hash, hop: hop + 1 })
    flight.saidAtMs = nowMs
    const step: Step = {
      kind: 'step',
      request,
      requester,
      era,
      route: [...route, { layer, peer: this.options.self, backend: this.options.backend, ms }],
      plan,
      activation,
      remainingMs: Math.max(0, flight.deadlineMs - nowMs),
    }
    return [
      { do: 'publish', message: step },
      { do: 'report', event: { type: 'hop-served', request, hop, layer, ms } },
      ...this.bidOnIdle(nowMs),
    ]
  }

  /** The longer ago the last run, the more one more counts; hope ends with it. */
  private measured(ms: number): void {
    const weight = this.isMeasured ? Math.max(MEASURED_WEIGHT, 1 - this.hope) : 1
    this.measuredMs += (ms - this.measuredMs) * weight
    this.isMeasured = true
    this.hope = 1
  }

  /** One layer run as this provider expects it, milliseconds. */
  get layerMs(): number {
    return this.measuredMs * this.hope
  }

  onTime(nowMs: number): Effect[] {
    const effects: Effect[] = []
    for (const [request, flight] of this.flights) {
      if (nowMs >= flight.deadlineMs) effects.push(...this.close(request, flight, false, nowMs))
      else if (nowMs >= flight.bidAtMs) effects.push(...this.claimOrWait(flight, nowMs))
    }
    for (const [request, atMs] of this.finished) {
      if (nowMs - atMs < FINISHED_REMEMBERED_MS && this.finished.size <= FINISHED_REMEMBERED_MAX)
        break
      this.finished.delete(request)
    }
    return effects
  }

  wakeAtMs(): number {
    let at = NEVER
    for (const flight of this.flights.values()) at = Math.min(at, flight.bidAtMs, flight.deadlineMs)
    return at
  }

  /**
   * The requester is behind: if the newer step is this peer's own, it was lost on the way, so say it
   * again. Nobody else is answered, and nobody twice: two routes that cross would never fall silent.
   */
  private overtaken(flight: Flight, nowMs: number): Effect[] {
    const { base } = flight
    if (base.route.at(-1)?.peer !== this.options.self) return []
    if (nowMs - flight.saidAtMs < SAY_AGAIN_MS) return []
    flight.saidAtMs = nowMs
    return [
      { do: 'publish', message: { ...base, remainingMs: Math.max(0, flight.deadlineMs - nowMs) } },
    ]
  }

  /** The requester says the newest step again: whoever claimed it has not delivered. */
  private reoffered(flight: Flight, step: Step, nowMs: number): Effect[] {
    flight.base = step
    flight.lost = false
    flight.disturbed = true
    flight.deadlineMs = nowMs + step.remainingMs
    if (flight.job !== undefined || isClaimed(flight, nowMs)) return []
    const planned = flight.bidAtMs
    const effects = this.bid(flight, nowMs)
    // Being asked again is no reason to wait longer.
    if (flight.job === undefined) flight.bidAtMs = Math.min(flight.bidAtMs, planned)
    return effects
  }

  /** Decides when to claim the flight's newest step; claims at once when that is now. */
  private bid(flight: Flight, nowMs: number): Effect[] {
    flight.bidAtMs = NEVER
    const { base } = flight
    if (flight.job !== undefined || flight.lost || isComplete(base, this.options.shape.layers))
      return []
    const open = openLayers(base, this.options.shape.layers)
    if (!this.canServe(open)) return []
    const { ahead, favourite } = this.rivals.rank(flight, this.offer(), open, nowMs)
    flight.favourite = favourite
    const { restsUntilMs } = this.duty
    const freeAtMs = Math.max(
      nowMs,
      flight.claim?.untilMs ?? nowMs,
      this.ailingUntilMs,
      restsUntilMs,
    )
    flight.bidAtMs = freeAtMs + delayMs(ahead, this.rivals.staggerMs())
    return flight.bidAtMs <= nowMs ? this.claimOrWait(flight, nowMs) : []
  }

  /** What others know of this provider, so that its own rank is what they expect. */
  private offer(): OwnOffer {
    return {
      pending: this.byJob.size,
      layerMs: this.announcedMs,
      unproven: this.served === 0,
    }
  }

  private canServe(open: readonly boolean[]): boolean {
    if (!this.active || this.freeSlots === 0) return false
    for (const layer of this.hosted) if (open[layer]) return true
    return false
  }

  /** A claim ran out without a step. */
  private missed(flight: Flight, peer: PeerId, nowMs: number): void {
    flight.failed.add(peer)
    flight.disturbed = true
    if (peer !== this.options.self) this.rivals.conduct.expired(peer, nowMs)
  }

  private claimOrWait(flight: Flight, nowMs: number): Effect[] {
    const expired = flight.claim
    if (expired !== undefined) {
      if (expired.untilMs > nowMs) return this.bid(flight, nowMs)
      this.missed(flight, expired.peer, nowMs)
      this.setClaim(flight, undefined)
    }
    // Another request was served since: this one waits until the rest is over.
    if (this.isResting(nowMs)) return this.bid(flight, nowMs)
    flight.bidAtMs = NEVER
    const { base } = flight
    const open = openLayers(base, this.options.shape.layers)
    if (!this.canServe(open)) return []
    const able = [...this.hosted].filter((layer) => open[layer])
    const layer = pick(able, base.request, this.options.self)
    if (layer === undefined) return []
    return this.claim(flight, layer, nowMs)
  }

  private claim(flight: Flight, layer: number, nowMs: number): Effect[] {
    const { request, era, route, activation } = flight.base
    const offer = { ...this.offer(), layerMs: this.layerMs }
    const expectedMs = this.rivals.ownFinishMs(flight, offer)
    const ttlMs = claimTtlMs(expectedMs)
    const job: Job = { id: this.nextJob(), layer, hop: route.length, phase: 'pulling' }
    flight.job = job
    this.byJob.set(job.id, flight)
    this.setClaim(flight, { peer: this.options.self, untilMs: nowMs + ttlMs })
    const effects: Effect[] = []
    if (expectedMs > SILENT_CLAIM_MS) {
      effects.push({
        do: 'publish',
        message: { kind: 'claim', request, era, hop: job.hop, layer, ttlMs },
      })
    }
    if (activation.place === 'held') {
      effects.push({ do: 'pull', job: job.id, tensor: activation })
    } else {
      effects.push(this.run(flight, job, activation.bytes, nowMs))
    }
    return effects
  }

  private run({ base }: Flight, job: Job, bytes: Uint8Array, nowMs: number): Effect {
    const { id, layer, hop } = job
    job.phase = 'running'
    this.duty.runBegan(nowMs)
    return { do: 'run-layer', job: id, layer, hop, input: encoded(base.activation, bytes) }
  }

  /** The tensor of the newest step cannot be had from here: let another peer try, or go back a step. */
  private pullFailed(flight: Flight, nowMs: number): Effect[] {
    const { job } = flight
    this.forgetJob(flight)
    this.setClaim(flight, undefined)
    if (job === undefined) return []
    const released = this.release(flight, job.layer)
    flight.pullsFailed++
    this.judgeTensor(flight)
    return [released, ...this.bid(flight, nowMs)]
  }

  /** Tells the others not to wait for this peer. */
  private release({ base, gaveUp }: Flight, layer: number): Effect {
    gaveUp.add(this.options.self)
    const { request, era, route } = base
    return {
      do: 'publish',
      message: { kind: 'claim', request, era, hop: route.length, layer, ttlMs: 0 },
    }
  }

  /**
   * Two peers could not pull the newest tensor, or its holder is gone: the step before is offered
   * again. Without one only the requester can help; it offers its own tensor when nothing moves.
   */
  private judgeTensor(flight: Flight): void {
    const { base, pullsFailed } = flight
    if (base.activation.place === 'inline') return
    const { holder } = base.activation
    const isGone = holder !== this.options.self && this.table.get(holder) === undefined
    if (pullsFailed >= PULLERS_MAX || isGone) this.goBack(flight)
  }

  private goBack(flight: Flight): void {
    const { base, previous } = flight
    if (previous !== undefined && base.era < ERAS_MAX) returnFlight(flight, previous)
    else flight.lost = true
  }

  private setClaim(flight: Flight, claim: Flight['claim']): void {
    this.rivals.claimChanged(flight.claim, claim)
    flight.claim = claim
  }

  private forgetJob(flight: Flight): void {
    if (flight.job !== undefined) this.byJob.delete(flight.job.id)
    flight.job = undefined
  }

  /** Gives up this provider's own work on the flight, if any. */
  private abandon(flight: Flight): Effect[] {
    const { job } = flight
    if (job === undefined) return []
    this.forgetJob(flight)
    return job.phase === 'pulling' ? [{ do: 'cancel', job: job.id }] : []
  }

  private releaseOld(flight: Flight): Effect[] {
    const effects: Effect[] = []
    while (flight.held[0] !== undefined && flight.held[0].hop + 2 <= flight.base.route.length) {
      effects.push({ do: 'withdraw', hash: flight.held[0].hash })
      flight.held.shift()
    }
    return effects
  }

  private close(request: RequestId, flight: Flight, done: boolean, nowMs: number): Effect[] {
    const effects = this.abandon(flight)
    for (const { hash } of flight.held) effects.push({ do: 'withdraw', hash })
    this.setClaim(flight, undefined)
    this.flights.delete(request)
    this.admissions.left(flight.base.requester, done)
    this.finished.set(request, nowMs)
    return effects.concat(this.bidOnIdle(nowMs))
  }

  /** A slot or a layer became free: bid on everything that nobody works on. */
  private bidOnIdle(nowMs: number): Effect[] {
    if (!this.active || this.freeSlots === 0) return []
    const effects: Effect[] = []
    for (const flight of this.flights.values()) {
      if (flight.job === undefined && flight.bidAtMs === NEVER)
        effects.push(...this.bid(flight, nowMs))
    }
    return effects
  }
}
