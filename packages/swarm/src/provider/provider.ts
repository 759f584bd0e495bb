import { Conduct } from '../claims/conduct.ts'
import { Strangers } from '../claims/strangers.ts'
import { type Effect, withdrawn } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import type { LayerOutcome } from '../ports.ts'
import type { Neighbourhood } from '../presence/neighbourhood.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import { asksTheSame, isUnchanged, sameStep, supersedes } from '../step.ts'
import type { Activation, Again, Claim, Done, PeerId, RequestId, Step } from '../wire/messages.ts'
import { Author } from './author.ts'
import { Bidding } from './bidding.ts'
import { ClaimBook } from './claim-book.ts'
import { Contest } from './contest.ts'
import type { Flight } from './flight.ts'
import { Following } from './following.ts'
import { Heeding } from './heeding.ts'
import { ALIVE_MS } from './limits.ts'
import { judgeTensor } from './lost-tensor.ts'
import type { ProviderOptions } from './options.ts'
import { Outputs } from './outputs.ts'
import { Pace } from './pace.ts'
import { Rivals } from './rivals.ts'
import { Scout } from './scout.ts'
import { Serving } from './serving.ts'
import { signOfLife } from './sign-of-life.ts'
import { Throughput } from './throughput.ts'
import { type Visit, Work } from './work.ts'

/**
 * Serves layers and leads the member's own requests: visits what it is named for, bids for steps that
 * nobody is named for, stands by for the others, hands its results over.
 *
 * 1. It runs at most one layer per request at a time, and only layers that it hosts.
 * 2. It never bids on a step that it knows to be superseded, nor before its favourite was silent.
 * 3. Its claim and its next step name the era and the hop of the step they follow.
 * 4. It keeps its own outputs until the request is done or past its deadline.
 * 5. It follows only requests that were admitted, and its own.
 * 6. It waits for no tensor of somebody who is gone, and calls none lost that it had no way to.
 * 7. Its runs take no more than its share of the time; the author of a step never waits for the rest.
 */
export class Provider {
  /** What others are told of its load and speed. */
  readonly throughput: Throughput
  private readonly options: ProviderOptions
  private readonly table: PeerTable
  private readonly neighbourhood: Neighbourhood
  private readonly claims = new ClaimBook()
  private readonly outputs = new Outputs()
  private readonly pace = new Pace()
  private readonly conduct = new Conduct()
  private readonly strangers = new Strangers()
  private readonly work: Work
  private readonly scout: Scout
  private readonly rivals: Rivals
  private readonly bidding: Bidding
  private readonly serving: Serving
  private readonly author: Author
  private readonly contest: Contest
  private readonly following: Following
  private readonly heeding: Heeding

  /** @param hosted the layers that are loaded; kept by the caller, who calls `bidOnIdle` when it changes. */
  constructor(
    options: ProviderOptions,
    table: PeerTable,
    neighbourhood: Neighbourhood,
    hosted: ReadonlySet<number>,
    nextJob: () => JobId,
  ) {
    this.options = options
    this.table = table
    this.neighbourhood = neighbourhood
    this.work = new Work(options, nextJob)
    const { claims, outputs, pace, work, conduct, strangers } = this
    this.rivals = new Rivals(options, table, claims, conduct)
    const { rivals } = this
    this.scout = new Scout(options, { table, claims, conduct, strangers, neighbourhood })
    const { scout } = this
    this.throughput = new Throughput(work, pace, scout)
    this.bidding = new Bidding(options, hosted, { rivals, claims, work, pace })
    this.serving = new Serving(options, { work, pace, claims, outputs, rivals, scout })
    this.author = new Author(options, { scout, claims, conduct, strangers, table })
    const { bidding, serving } = this
    const parts = { table, neighbourhood, rivals, claims, work, pace, bidding, serving }
    this.contest = new Contest(options, parts)
    const { author, contest } = this
    this.following = new Following({ claims, outputs, work, bidding, author })
    const { following } = this
    this.heeding = new Heeding(options, { ...parts, author, contest, following })
  }

  /** Requests that it follows. */
  get followed(): number {
    return this.following.size
  }

  /** It runs a layer or is about to, or watches over a step that it handed over. */
  get isAtWork(): boolean {
    return this.work.size > 0 || this.author.isWatching
  }

  /** The share of strangers that let it down, 0 … 1. */
  get strangersFail(): number {
    return this.strangers.failShare
  }

  /** Whether it has seen another deliver, itself. */
  vouchesFor(peer: PeerId): boolean {
    return this.conduct.isProven(peer)
  }

  /** How much of the time its runs may take from now on, above 0 and at most 1. */
  setTimeShare(share: number, nowMs: number): Effect[] {
    this.work.timeShare = share
    // Bids that were put off until the end of a rest are reckoned anew.
    const waiting = [...this.following.all()].filter(({ request }) => !this.work.has(request))
    return waiting.flatMap((flight) => this.contest.bid(flight, nowMs))
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
    for (const flight of this.following.all()) {
      const isIdle = this.bidding.dueMs(flight) === Number.POSITIVE_INFINITY
      if (isIdle && !this.work.has(flight.request)) effects.push(...this.contest.bid(flight, nowMs))
    }
    return effects
  }

  /** A request of this member's own goes on from this step. @param suspect whoever was to, and is silent. */
  lead(step: Step, suspect: PeerId | undefined, nowMs: number): Effect[] {
    const effects: Effect[] = []
    let flight = this.following.get(step.request)
    if (flight === undefined) {
      flight = this.following.beginOwn(step, nowMs)
      const layers = this.bidding.ownShare(flight, this.scout.usualLayerMs(), nowMs)
      if (layers !== undefined) return this.serving.accept(flight, layers, nowMs)
    } else if (!sameStep(step, flight.newest)) {
      effects.push(...this.following.letGo(flight))
      flight.advance(step, nowMs)
    }
    if (suspect !== undefined) flight.letDownBy(suspect)
    return effects.concat(this.author.handOver(flight, nowMs))
  }

  /** A request of this member's own has ended. @returns whom it told of it. */
  finish(request: RequestId, nowMs: number): { told: PeerId[]; effects: Effect[] } {
    const told = this.author.forget(request)
    const flight = this.following.get(request)
    return { told, effects: flight === undefined ? [] : this.close(flight, true, nowMs) }
  }

  onStep(from: PeerId, step: Step, nowMs: number): Effect[] {
    const flight = this.following.get(step.request)
    if (flight === undefined) return this.onFirstStep(from, step, nowMs)
    const { newest } = flight
    if (!asksTheSame(step, newest)) return []
    if (sameStep(step, newest)) return this.heeding.again(flight, from, step, nowMs)
    this.author.heardLate(flight.isDoubted(from))
    if (!supersedes(step, newest))
      return from === step.requester ? this.serving.sayAgain(flight, nowMs) : []
    if (isUnchanged(step, newest)) return []
    const alive = this.author.leads(flight)
      ? this.signOfLife(flight, from, { ttlMs: ALIVE_MS, hop: step.route.length })
      : []
    this.rivals.superseded(flight, step, nowMs)
    this.author.ended(flight, step.route.at(-1)?.peer)
    flight.advance(step, nowMs)
    return [...alive, ...this.heeding.begin(flight, nowMs)]
  }

  onClaim(from: PeerId, claim: Claim, nowMs: number): Effect[] {
    const flight = this.following.get(claim.request)
    if (flight === undefined) return []
    const effects: Effect[] = []
    if (flight.isBehind(claim)) {
      effects.push(...this.following.letGo(flight))
      flight.goBack()
    }
    const { era, route } = flight.newest
    if (claim.era !== era || claim.hop < route.length) return effects
    // An author that has no way to the requester says that whoever it chose is at work, or somebody further on.
    if (claim.ttlMs > 0 && flight.author === from)
      return effects.concat(this.signOfLife(flight, from, claim))
    if (claim.hop !== route.length) return effects
    const asAuthor = this.author.onClaim(flight, from, claim, nowMs)
    if (asAuthor !== undefined)
      return [...effects, ...asAuthor, ...this.signOfLife(flight, from, claim)]
    if (claim.ttlMs === 0) return effects.concat(this.contest.declined(flight, from, claim, nowMs))
    return effects.concat(this.contest.claimed(flight, from, claim, nowMs))
  }

  /** The requester asks for another choice in place of somebody silent. */
  onAgain(from: PeerId, { request, era, hop, suspect }: Again, nowMs: number): Effect[] {
    const flight = this.following.get(request)
    if (flight === undefined || flight.newest.requester !== from || era <= flight.newest.era)
      return []
    if (flight.newest.route.length !== hop && !flight.isBehind({ era: flight.newest.era + 1, hop }))
      return []
    const effects = this.following.letGo(flight)
    if (flight.newest.route.length !== hop) flight.goBack()
    if (flight.author !== this.options.self) return effects
    flight.beginEra(era)
    if (suspect !== undefined) flight.letDownBy(suspect)
    return effects.concat(this.author.handOver(flight, nowMs))
  }

  onDone(from: PeerId, { request }: Done, nowMs: number): Effect[] {
    const flight = this.following.get(request)
    if (flight === undefined || flight.newest.requester !== from) return []
    return this.close(flight, true, nowMs)
  }

  /** Whoever is gone goes on with nothing, and what it held is gone with it: nobody waits until a pull of it fails. */
  onDisconnected(peer: PeerId, nowMs: number): Effect[] {
    const effects: Effect[] = []
    for (const { id } of this.work.pullingFrom(peer))
      effects.push({ do: 'cancel', job: id }, ...this.onPulled(id, undefined, nowMs))
    for (const flight of this.following.all()) {
      if (this.claims.get(flight.request)?.peer !== peer) continue
      if (this.author.leads(flight)) {
        effects.push(...this.author.silent(flight, nowMs))
        continue
      }
      flight.letDownBy(peer)
      flight.disturb()
      this.claims.free(flight.request)
      effects.push(...this.contest.bid(flight, nowMs))
    }
    return effects
  }

  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): Effect[] {
    const visit = this.work.get(id)
    if (visit === undefined) return []
    if (bytes !== undefined) return this.serving.run(visit, bytes, nowMs)
    const released = this.serving.giveUp(visit)
    if (visit.isReached) judgeTensor(visit.flight, this.table, this.options.self)
    return [...released, ...this.contest.bid(visit.flight, nowMs)]
  }

  onLayerRun(id: JobId, outcome: LayerOutcome, nowMs: number): Effect[] {
    const visit = this.work.get(id)
    const isOver = visit === undefined || visit.runs.length + 1 === visit.layers.length
    // A visit is one piece of work, however many layers it has.
    if (isOver || 'failure' in outcome) this.work.runEnded(nowMs)
    if (visit === undefined) {
      // Superseded while it ran: nobody will ask for the result. How slow it was still counts, or a
      // straggler whose runs all come too late would go on to believe that it is quick.
      if (!('failure' in outcome)) this.pace.ran(outcome.ms, false)
      return []
    }
    if (!('failure' in outcome)) return this.serving.ran(visit, outcome)
    return this.runFailed(visit, outcome.failure, nowMs)
  }

  /** The result of a visit can be had from here, or there is no room for it. */
  onPrepared(id: JobId, activation: Activation | undefined, nowMs: number): Effect[] {
    const visit = this.work.get(id)
    if (visit === undefined) return withdrawn(activation)
    if (activation === undefined) return this.runFailed(visit, 'no room to hold the result', nowMs)
    const { flight } = visit
    this.work.forget(visit)
    this.claims.free(flight.request)
    // The others have gone back meanwhile: what was made from the step that they gave up is nobody's.
    if (!sameStep(visit.step, flight.newest))
      return [...withdrawn(activation), ...this.contest.bid(flight, nowMs)]
    // So small a tensor is nobody's to hold: in a message of this member's own the others would refuse it.
    if (visit.layers.length === 0 && activation.place === 'inline')
      return this.serving.decline(flight)
    if (visit.layers.length === 0) flight.moveTensor(this.serving.kept(flight, activation))
    else flight.advance(this.serving.stepOf(visit, activation, nowMs), nowMs)
    return [
      ...this.author.handOver(flight, nowMs),
      ...this.serving.reports(visit),
      ...this.bidOnIdle(nowMs),
    ]
  }

  onTime(nowMs: number): Effect[] {
    const effects = this.serving.overdue(nowMs)
    for (const flight of this.following.all()) {
      if (nowMs >= flight.deadlineMs) effects.push(...this.close(flight, false, nowMs))
      else if (nowMs >= this.author.dueMs(flight))
        effects.push(...this.author.silent(flight, nowMs))
      else if (nowMs >= this.bidding.dueMs(flight))
        effects.push(...this.contest.claim(flight, this.bidding.choose(flight, nowMs), nowMs))
    }
    this.following.forgetFinished(nowMs)
    return effects
  }

  /** When `onTime` is due next. */
  wakeAtMs(): number {
    let at = this.work.wakeAtMs()
    for (const flight of this.following.all())
      at = Math.min(at, this.author.dueMs(flight), this.bidding.dueMs(flight), flight.deadlineMs)
    return at
  }

  private signOfLife(flight: Flight, from: PeerId, at: Pick<Claim, 'ttlMs' | 'hop'>): Effect[] {
    return signOfLife(flight, from, at, this.options.self, this.neighbourhood)
  }

  /** The engine failed: what the visit has done so far is not lost, but nobody waits for the rest. */
  private runFailed(visit: Visit, reason: string, nowMs: number): Effect[] {
    this.bidding.ails(nowMs)
    this.work.forget(visit)
    const effects = this.serving.failed(visit, reason)
    return [...effects, ...this.contest.bid(visit.flight, nowMs), ...this.bidOnIdle(nowMs)]
  }

  private onFirstStep(from: PeerId, step: Step, nowMs: number): Effect[] {
    // What this member asked itself it follows from the start; somebody speaks in its name, or much too late.
    if (step.requester === this.options.self) return []
    const flight = this.following.begin(from, step, nowMs)
    if (flight === 'ban') return [{ do: 'ban', peer: from }]
    return flight === 'ignore' ? [] : this.heeding.begin(flight, nowMs)
  }

  private close(flight: Flight, done: boolean, nowMs: number): Effect[] {
    return [...this.following.end(flight, done, nowMs), ...this.bidOnIdle(nowMs)]
  }
}
