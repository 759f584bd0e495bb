import type { EngineName } from '@layerswarm/model'
import {
  type Candidate,
  claimTtlMs,
  claimWins,
  delayMs,
  finishMs,
  rankAmong,
} from './claim-policy.ts'
import { Conduct } from './conduct.ts'
import { draw, pick } from './draw.ts'
import { type Effect, encoded, type LayerRun } from './effects.ts'
import { Fairness } from './fairness.ts'
import {
  AILING_MS,
  CLAIM_STAGGER_MS_MAX,
  ERAS_MAX,
  FINISHED_REMEMBERED_MAX,
  FINISHED_REMEMBERED_MS,
  FLIGHTS_MAX,
  FLIGHTS_PER_REQUESTER_FAIR,
  FLIGHTS_PER_REQUESTER_MAX,
  INLINE_BYTES_MAX,
  LAYERS_MAX,
  SAY_AGAIN_MS,
  SILENT_CLAIM_MS,
} from './limits.ts'
import type { Claim, Done, PeerId, RequestId, Step, TensorHash } from './messages.ts'
import type { PeerTable } from './peer-table.ts'
import { ResponseTime } from './response-time.ts'
import {
  follows,
  hopsWanted,
  isComplete,
  isUnchanged,
  type ModelShape,
  openLayers,
  sameStep,
  supersedes,
} from './step.ts'

export interface ProviderOptions {
  readonly self: PeerId
  readonly shape: ModelShape
  readonly backend: EngineName
  /** Layer runs accepted at once. */
  readonly slots: number
  readonly handsOver: boolean
  readonly rttMs: (peer: PeerId) => number | undefined
  /** Whether a tensor can be pulled from a peer. */
  readonly reaches: (peer: PeerId) => boolean
  /** Least time between the claims of two neighbours in rank, milliseconds. */
  readonly staggerMs: number
}

interface Job {
  readonly id: number
  readonly layer: number
  readonly hop: number
  phase: 'pulling' | 'running'
}

/** One request as this provider sees it. */
interface Flight {
  base: Step
  /** The step before `base`, to go back to when the tensor of `base` is lost. */
  previous: Step | undefined
  /** When `base` was seen. */
  baseAtMs: number
  /** A claim on `base` came to nothing, or it was offered again: its time says nothing of the lane. */
  disturbed: boolean
  deadlineMs: number
  claim: { peer: PeerId; untilMs: number } | undefined
  bidAtMs: number
  job: Job | undefined
  /** The newest tensor cannot be had and there is no older step: only the requester can go on. */
  lost: boolean
  /** Who will not do `base`, mostly because its tensor cannot be pulled from there. */
  readonly gaveUp: Set<PeerId>
  /** Pulls of its tensor that failed, here or elsewhere. */
  pullsFailed: number
  /** Who should claim `base` at once, as this peer sees it. */
  favourite: PeerId | undefined
  /** When this peer last published a step of its own. */
  saidAtMs: number
  readonly failed: Set<PeerId>
  readonly held: { hash: TensorHash; hop: number }[]
}

/** Tensors handed here that nobody has spoken of yet. */
const HANDED_MAX = 256
/** Distances closer than this count as equal. */
const DISTANCE_STEP_MS = 32
/** So many peers try to pull a tensor before the step before it is offered again. */
const PULLERS_MAX = 2
/** A held tensor is assumed to arrive at this many bytes per millisecond (4 Mbit/s) or faster. */
const PULL_BYTES_PER_MS = 500
const NEVER = Number.POSITIVE_INFINITY
/** Per presence interval without work: a peer that measured ten times too slow is back in half a minute. */
const IDLE_HOPE = 0.8

/**
 * Serves layers: bids for steps, runs what it won, stands by for what others won.
 *
 * 1. It runs at most one layer per request at a time, and only layers that it hosts.
 * 2. It never bids on a step that it knows to be superseded.
 * 3. Its claim and its next step name the era and the hop of the step they follow.
 * 4. It keeps its own output until the request is two hops further, done or past its deadline.
 * 5. At most FLIGHTS_MAX requests are followed; of one requester FLIGHTS_PER_REQUESTER_MAX, and
 *    FLIGHTS_PER_REQUESTER_FAIR while others ask too.
 */
export class Provider {
  readonly hosted = new Set<number>()
  served = 0
  /** Moving average of one layer run, milliseconds; hopeful after idle times, see `rest`. */
  layerMs = 1
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
  private readonly byRequester = new Map<PeerId, number>()
  private readonly byJob = new Map<number, Flight>()
  /** Claims in force per peer: the load that everyone can see. */
  private readonly pending = new Map<PeerId, number>()
  private readonly finished = new Map<RequestId, number>()
  private readonly responses = new ResponseTime()
  private readonly conduct = new Conduct()
  private readonly fairness = new Fairness()
  /** Tensors that were handed to this peer. */
  private readonly handed = new Set<TensorHash>()
  private readonly mark: number

  constructor(options: ProviderOptions, table: PeerTable, nextJob: () => number) {
    this.options = options
    this.mark = draw(options.self)
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
    return Math.max(0, this.options.slots - this.byJob.size)
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
    if (this.served === this.servedBefore) this.layerMs *= IDLE_HOPE
    this.servedBefore = this.served
  }

  hostsChanged(nowMs: number): Effect[] {
    return this.bidOnIdle(nowMs)
  }

  onStep(from: PeerId, step: Step, nowMs: number): Effect[] {
    if (this.finished.has(step.request)) return []
    let flight = this.flights.get(step.request)
    if (flight === undefined) {
      this.fairness.asked(step.requester, nowMs)
      if (!this.hasRoom(step.requester, nowMs)) return this.refuse(step.requester, nowMs)
      flight = this.open(step, nowMs)
    } else if (flight.base.requester !== step.requester) {
      return []
    } else if (sameStep(step, flight.base)) {
      return this.reoffered(flight, from, step, nowMs)
    } else if (!supersedes(step, flight.base)) {
      return from === step.requester ? this.overtaken(flight, nowMs) : []
    } else if (isUnchanged(step, flight.base)) {
      return []
    } else {
      this.advance(flight, step, nowMs)
    }
    const effects = this.abandon(flight)
    this.setClaim(flight, undefined)
    effects.push(...this.releaseOld(flight))
    if (isComplete(step, this.options.shape.layers)) flight.bidAtMs = NEVER
    else effects.push(...this.bid(flight, nowMs))
    return from === this.options.self ? effects.concat(this.handOn(flight, nowMs)) : effects
  }

  /** The author of a step has chosen this peer to go on. */
  onHanded(hash: TensorHash, nowMs: number): Effect[] {
    if (this.handed.size >= HANDED_MAX)
      this.handed.delete(this.handed.values().next().value ?? hash)
    this.handed.add(hash)
    const effects: Effect[] = []
    for (const flight of this.flights.values()) {
      const { activation } = flight.base
      const isFree = flight.claim === undefined || flight.claim.untilMs <= nowMs
      if (activation.place === 'held' && activation.hash === hash && isFree)
        effects.push(...this.bid(flight, nowMs))
    }
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
      this.fallBack(flight, previous)
      return effects.concat(this.onClaim(from, claim, nowMs))
    }
    if (claim.era !== flight.base.era || claim.hop !== flight.base.route.length) return []
    if (claim.ttlMs === 0) return this.released(flight, from, nowMs)
    if (this.conduct.isDistrusted(from, nowMs)) return []
    const holder = flight.claim
    const contested = holder !== undefined && holder.peer !== from && holder.untilMs > nowMs
    if (contested && !this.prevails(claim, from, holder.peer)) return []
    if (holder === undefined) this.noteResponse(flight, from, nowMs)
    const effects = holder?.peer === this.options.self ? this.abandon(flight) : []
    const ownMs = finishMs(this.ownCandidate(flight))
    const ttlMs = Math.min(claim.ttlMs, this.conduct.patienceMs(from, ownMs))
    this.setClaim(flight, { peer: from, untilMs: nowMs + ttlMs })
    return effects.concat(this.bid(flight, nowMs))
  }

  /** Of two claimers, whoever has delivered before; among equals the draw. */
  private prevails({ request, hop }: Claim, newcomer: PeerId, holder: PeerId): boolean {
    const { self } = this.options
    const isProven = (peer: PeerId) => peer === self || this.conduct.isProven(peer)
    const known = isProven(newcomer)
    return known === isProven(holder) ? claimWins(request, hop, newcomer, holder) : known
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
    const { base } = flight
    const author = step.route.at(-1)?.peer
    const next = follows(step, base)
    const { claim } = flight
    if (claim !== undefined && claim.untilMs <= nowMs && claim.peer !== author)
      this.missed(flight, claim.peer, nowMs)
    if (next && author !== undefined && author !== base.route.at(-1)?.peer) {
      this.noteResponse(flight, author, nowMs)
      const ms = flight.disturbed ? undefined : nowMs - flight.baseAtMs
      if (author !== this.options.self) this.conduct.delivered(author, ms, nowMs)
    }
    flight.previous = next ? base : undefined
    flight.base = step
    flight.baseAtMs = nowMs
    flight.disturbed = false
    flight.lost = false
    flight.gaveUp.clear()
    flight.pullsFailed = 0
    flight.favourite = undefined
    flight.deadlineMs = nowMs + step.remainingMs
  }

  onDone(from: PeerId, { request }: Done, nowMs: number): Effect[] {
    const flight = this.flights.get(request)
    if (flight === undefined || flight.base.requester !== from) return []
    return this.close(request, flight, nowMs)
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
    flight.job.phase = 'running'
    return [this.run(flight, flight.job, bytes)]
  }

  onLayerRun(job: number, outcome: LayerRun, nowMs: number): Effect[] {
    const flight = this.byJob.get(job)
    if (flight?.job === undefined) {
      // Superseded while it ran: nobody will ask for the result.
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
    this.layerMs = this.served === 0 ? ms : this.layerMs * 0.9 + ms * 0.1
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

  /** Hands the newest tensor, its own, to the requester if all is done, or to whom it chooses to go on. */
  private handOn(flight: Flight, nowMs: number): Effect[] {
    const { base, job } = flight
    const { activation, requester } = base
    if (activation.place === 'inline' || job !== undefined || !this.options.handsOver) return []
    const to = isComplete(base, this.options.shape.layers) ? requester : this.choose(flight, nowMs)
    if (to === undefined || to === this.options.self || !this.isReachable(to)) return []
    return [{ do: 'push', hash: activation.hash, to }]
  }

  /** The best to go on, by measured distance too: the author alone decides, so nobody needs to agree. */
  private choose(flight: Flight, nowMs: number): PeerId | undefined {
    const { base } = flight
    const open = openLayers(base, this.options.shape.layers)
    const able = this.rivals(flight, open, nowMs)
      .filter(({ peer, failed }) => !failed && this.isReachable(peer))
      .map((rival) => ({ ...rival, transitMs: this.distanceMs(rival.peer) }))
    const [first, ...others] = able
    if (first === undefined) return undefined
    const round = base.route.length + base.era * LAYERS_MAX
    const { ahead, favourite } = rankAmong(base.request, round, first, others)
    return ahead === 0 ? first.peer : favourite
  }

  /** One way, in steps within which a draw decides: the nearest alone would get everything. */
  private distanceMs(peer: PeerId): number {
    const rttMs = this.options.rttMs(peer)
    const oneWayMs = rttMs === undefined ? this.responses.typicalMs : rttMs / 2
    return Math.floor(oneWayMs / DISTANCE_STEP_MS) * DISTANCE_STEP_MS
  }

  onTime(nowMs: number): Effect[] {
    const effects: Effect[] = []
    for (const [request, flight] of this.flights) {
      if (nowMs >= flight.deadlineMs) effects.push(...this.close(request, flight, nowMs))
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

  /** One request too many; a requester that goes on and on is not listened to for a while. */
  private refuse(requester: PeerId, nowMs: number): Effect[] {
    return this.fairness.refused(requester, nowMs) ? [{ do: 'shun', peer: requester }] : []
  }

  private hasRoom(requester: PeerId, nowMs: number): boolean {
    const own = this.byRequester.get(requester) ?? 0
    const most = this.fairness.isAlone(requester, nowMs)
      ? FLIGHTS_PER_REQUESTER_MAX
      : FLIGHTS_PER_REQUESTER_FAIR
    return this.flights.size < FLIGHTS_MAX && own < most
  }

  private open(step: Step, nowMs: number): Flight {
    const flight: Flight = {
      base: step,
      previous: undefined,
      baseAtMs: nowMs,
      disturbed: false,
      deadlineMs: nowMs + step.remainingMs,
      claim: undefined,
      bidAtMs: NEVER,
      job: undefined,
      lost: false,
      gaveUp: new Set(),
      pullsFailed: 0,
      favourite: undefined,
      saidAtMs: Number.NEGATIVE_INFINITY,
      failed: new Set(),
      held: [],
    }
    this.flights.set(step.request, flight)
    this.byRequester.set(step.requester, (this.byRequester.get(step.requester) ?? 0) + 1)
    return flight
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
  private reoffered(flight: Flight, from: PeerId, step: Step, nowMs: number): Effect[] {
    flight.base = step
    flight.lost = false
    flight.disturbed = true
    flight.deadlineMs = nowMs + step.remainingMs
    if (flight.job !== undefined || (flight.claim !== undefined && flight.claim.untilMs > nowMs))
      return []
    const planned = flight.bidAtMs
    const effects = this.bid(flight, nowMs)
    // Being asked again is no reason to wait longer.
    if (flight.job === undefined) flight.bidAtMs = Math.min(flight.bidAtMs, planned)
    return from === this.options.self ? effects.concat(this.handOn(flight, nowMs)) : effects
  }

  /** Decides when to claim the flight's newest step; claims at once when that is now. */
  private bid(flight: Flight, nowMs: number): Effect[] {
    flight.bidAtMs = NEVER
    const { base } = flight
    if (flight.job !== undefined || flight.lost || isComplete(base, this.options.shape.layers))
      return []
    const open = openLayers(base, this.options.shape.layers)
    if (!this.canServe(open)) return []
    const own = this.ownCandidate(flight)
    // A new era has a new favourite: the old one may be why it began.
    const round = base.route.length + base.era * LAYERS_MAX
    const { ahead, favourite } = rankAmong(
      base.request,
      round,
      own,
      this.rivals(flight, open, nowMs),
    )
    flight.favourite = favourite
    if (!this.canReach(base)) return ahead === 0 ? this.passOn(flight, open, nowMs) : []
    const staggerMs = this.responses.patienceMs(this.options.staggerMs, CLAIM_STAGGER_MS_MAX)
    const delay = this.isHanded(base) ? 0 : delayMs(ahead + this.handicap(base), staggerMs)
    const detour = this.detourMs(base, staggerMs)
    const freeAtMs = Math.max(nowMs, flight.claim?.untilMs ?? nowMs, this.ailingUntilMs)
    flight.bidAtMs = freeAtMs + delay + detour
    return flight.bidAtMs <= nowMs ? this.claimOrWait(flight, nowMs) : []
  }

  private isHanded({ activation }: Step): boolean {
    return activation.place === 'held' && this.handed.has(activation.hash)
  }

  /** Where authors choose who goes on, everybody else lets their choice go first. */
  private handicap({ activation, route }: Step): number {
    const isOwn = route.at(-1)?.peer === this.options.self
    return this.options.handsOver && activation.place === 'held' && !isOwn ? 1 : 0
  }

  private canServe(open: readonly boolean[]): boolean {
    if (!this.active || this.byJob.size >= this.options.slots) return false
    for (const layer of this.hosted) if (open[layer]) return true
    return false
  }

  private ownCandidate(flight: Flight): Candidate {
    const { self } = this.options
    return {
      peer: self,
      mark: this.mark,
      pending: this.byJob.size,
      layerMs: this.announcedMs,
      transitMs: this.transitMs(flight.base, self),
      unproven: this.served === 0,
      failed: flight.failed.has(self) || flight.gaveUp.has(self),
    }
  }

  private rivals(flight: Flight, open: readonly boolean[], nowMs: number): Candidate[] {
    const rivals: Candidate[] = []
    for (const { peer, mark, presence } of this.table.all()) {
      if (!presence.layers.some((layer) => open[layer])) continue
      rivals.push({
        peer,
        mark,
        pending: this.pending.get(peer) ?? 0,
        layerMs: presence.layerMs,
        transitMs: this.transitMs(flight.base, peer),
        unproven: !this.conduct.isProven(peer),
        slow: this.conduct.isSlow(peer, nowMs),
        failed: this.hasFailed(flight, peer, nowMs),
      })
    }
    return rivals
  }

  private hasFailed({ failed, gaveUp }: Flight, peer: PeerId, nowMs: number): boolean {
    return failed.has(peer) || gaveUp.has(peer) || this.conduct.isDistrusted(peer, nowMs)
  }

  /** Whether this peer can pull the tensor of a step. */
  private canReach({ activation }: Step): boolean {
    return activation.place === 'inline' || this.isReachable(activation.holder)
  }

  private isReachable(peer: PeerId): boolean {
    return peer === this.options.self || this.options.reaches(peer)
  }

  /** The requester must pull the last output: whoever cannot give it to them lets others go first. */
  private detourMs(base: Step, staggerMs: number): number {
    const isLast = base.route.length + 1 === hopsWanted(base, this.options.shape.layers)
    const { place, batch, tokens, width } = base.activation
    const rides = 2 * batch * tokens * width <= INLINE_BYTES_MAX
    return isLast && place === 'held' && !rides && !this.isReachable(base.requester)
      ? 2 * staggerMs
      : 0
  }

  /** Whoever computed the activation has it already; to everyone else it must travel. */
  private transitMs({ route, activation }: Step, peer: PeerId): number {
    if (route.at(-1)?.peer === peer) return 0
    const { typicalMs } = this.responses
    return activation.place === 'held'
      ? typicalMs + 2 * typicalMs + activation.size / PULL_BYTES_PER_MS
      : typicalMs
  }

  /** A claim ran out without a step. */
  private missed(flight: Flight, peer: PeerId, nowMs: number): void {
    flight.failed.add(peer)
    flight.disturbed = true
    if (peer !== this.options.self) this.conduct.expired(peer, nowMs)
  }

  private claimOrWait(flight: Flight, nowMs: number): Effect[] {
    const expired = flight.claim
    if (expired !== undefined) {
      if (expired.untilMs > nowMs) return this.bid(flight, nowMs)
      this.missed(flight, expired.peer, nowMs)
      this.setClaim(flight, undefined)
    }
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
    const own = { ...this.ownCandidate(flight), layerMs: this.layerMs }
    const expectedMs = finishMs(this.isHanded(flight.base) ? { ...own, transitMs: 0 } : own)
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
      job.phase = 'running'
      effects.push(this.run(flight, job, activation.bytes))
    }
    return effects
  }

  private run({ base }: Flight, { id, layer, hop }: Job, bytes: Uint8Array): Effect {
    const isLast = hop + 1 === hopsWanted(base, this.options.shape.layers)
    const inline = isLast && !this.isReachable(base.requester)
    const input = encoded(base.activation, bytes)
    return { do: 'run-layer', job: id, layer, hop, input, inline }
  }

  /** Learns from others how long answers take on this lane; whoever was not expected tells nothing of it. */
  private noteResponse(flight: Flight, from: PeerId, nowMs: number): void {
    if (from === this.options.self || flight.disturbed) return
    const ms = nowMs - flight.baseAtMs
    if (!this.options.handsOver) {
      if (from === flight.favourite) this.responses.observe(ms)
      return
    }
    // Whom the author chose is not known: what took longer than was waited for came from another.
    this.responses.observe(
      Math.min(ms, this.responses.patienceMs(this.options.staggerMs, CLAIM_STAGGER_MS_MAX)),
    )
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

  /** The favourite has no way to the tensor: it says so, and the next one is the favourite. */
  private passOn(flight: Flight, open: readonly boolean[], nowMs: number): Effect[] {
    if (flight.gaveUp.has(this.options.self)) {
      // It ranks first although it gave up: so did everyone else.
      this.goBack(flight)
      return this.bid(flight, nowMs)
    }
    const layer = [...this.hosted].find((hosted) => open[hosted]) ?? 0
    return [this.release(flight, layer), ...this.bid(flight, nowMs)]
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
    if (previous !== undefined && base.era < ERAS_MAX) this.fallBack(flight, previous)
    else flight.lost = true
  }

  private fallBack(flight: Flight, previous: Step): void {
    flight.base = { ...previous, era: flight.base.era + 1 }
    flight.disturbed = true
    flight.previous = undefined
    flight.gaveUp.clear()
    flight.pullsFailed = 0
    flight.favourite = undefined
  }

  private setClaim(flight: Flight, claim: Flight['claim']): void {
    const before = flight.claim
    if (before !== undefined) {
      const left = (this.pending.get(before.peer) ?? 1) - 1
      if (left > 0) this.pending.set(before.peer, left)
      else this.pending.delete(before.peer)
    }
    flight.claim = claim
    if (claim !== undefined) this.pending.set(claim.peer, (this.pending.get(claim.peer) ?? 0) + 1)
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

  private close(request: RequestId, flight: Flight, nowMs: number): Effect[] {
    const effects = this.abandon(flight)
    for (const { hash } of flight.held) effects.push({ do: 'withdraw', hash })
    this.setClaim(flight, undefined)
    this.flights.delete(request)
    const { requester } = flight.base
    const left = (this.byRequester.get(requester) ?? 1) - 1
    if (left > 0) this.byRequester.set(requester, left)
    else this.byRequester.delete(requester)
    this.finished.set(request, nowMs)
    return effects.concat(this.bidOnIdle(nowMs))
  }

  /** A slot or a layer became free: bid on everything that nobody works on. */
  private bidOnIdle(nowMs: number): Effect[] {
    if (!this.active || this.byJob.size >= this.options.slots) return []
    const effects: Effect[] = []
    for (const flight of this.flights.values()) {
      if (flight.job === undefined && flight.bidAtMs === NEVER)
        effects.push(...this.bid(flight, nowMs))
    }
    return effects
  }
}
