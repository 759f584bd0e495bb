import { Conduct } from '../claims/conduct.ts'
import type { Choice } from '../claims/policy.ts'
import { Strangers } from '../claims/strangers.ts'
import { draw } from '../draw.ts'
import type { Effect } from '../effects.ts'
import { Uplink } from '../fetch/uplink.ts'
import { Withholding } from '../fetch/withholding.ts'
import type { JobId } from '../jobs.ts'
import type { HostTrust } from '../presence/hosting.ts'
import type { LaneView } from '../presence/lane-view.ts'
import { asksTheSame, isUnchanged, sameStep, supersedes } from '../step.ts'
import type { Again, Claim, Done, PeerId, RequestId, Step } from '../wire/messages.ts'
import type { Admission } from './admission.ts'
import { Author } from './author.ts'
import { Bidding } from './bidding.ts'
import { ClaimBook } from './claim-book.ts'
import { Contest } from './contest.ts'
import { Errands } from './errands.ts'
import type { Flight } from './flight.ts'
import { Following } from './following.ts'
import { HandOvers } from './hand-over.ts'
import { Heeding } from './heeding.ts'
import { ALIVE_MS, UNPAID_MS } from './limits.ts'
import { Notices } from './notices.ts'
import type { ProviderOptions } from './options.ts'
import { Outputs } from './outputs.ts'
import { Pace } from './pace.ts'
import { Patience } from './patience.ts'
import { Rivals } from './rivals.ts'
import { Scout, type Survey } from './scout.ts'
import { Serving } from './serving.ts'
import { Throughput } from './throughput.ts'
import { Visits } from './visits.ts'
import { Work } from './work.ts'

/** What a member has found out about others. */
export interface KnownOfOthers {
  /** Who is to run again what others ran, where there is a choice. */
  readonly isTrusted: (peer: PeerId) => boolean
  readonly withholding: Withholding
}

/**
 * Serves layers and leads the member's own requests: hears what others say of the requests that it follows,
 * and has its parts visit what it is named for, bid for what nobody is named for, and hand the results over.
 *
 * 1. It never acts on a step that it knows to be superseded, nor for one that was asked differently.
 * 2. It follows only requests that were admitted, and its own.
 * 3. Of what is due for a request (its end, the silence of whom this member chose, its own turn to claim) it
 *    does one thing at a time, in this order.
 * 4. A request that has ended leaves nothing behind, and what it took is free for others.
 */
export class Provider {
  /** What others are told of its load and speed. */
  readonly throughput: Throughput
  /** Hears of the end of each job that it asked for. */
  readonly visits: Visits
  /** For layer runs that are no visit. */
  readonly errands: Errands
  /** What this member's access still sends, rounds included. */
  readonly uplink = new Uplink()
  private readonly self: PeerId
  private readonly claims = new ClaimBook()
  private readonly conduct = new Conduct()
  private readonly strangers = new Strangers()
  private readonly withholding: Withholding
  private readonly handOvers: HandOvers
  private readonly notices: Notices
  private readonly outputs: Outputs
  private readonly work: Work
  private readonly scout: Scout
  private readonly patience: Patience
  private readonly rivals: Rivals
  private readonly bidding: Bidding
  private readonly serving: Serving
  private readonly author: Author
  private readonly contest: Contest
  private readonly following: Following
  private readonly heeding: Heeding

  /**
   * @param hosted the layers that are loaded; kept by the caller, who calls `bidOnIdle` when it changes.
   * @param others what this member has found out about others; nothing unless given.
   */
  constructor(
    options: ProviderOptions,
    view: LaneView,
    hosted: ReadonlySet<number>,
    nextJob: () => JobId,
    others: KnownOfOthers = {
      isTrusted: () => false,
      withholding: new Withholding(options.self),
    },
  ) {
    const { self } = options
    this.self = self
    this.withholding = others.withholding
    const { claims, conduct, strangers } = this
    const { table, neighbourhood, ways } = view
    const known = { ...view, ...others, claims, conduct, strangers }
    const pace = new Pace()
    this.work = new Work(options, nextJob)
    this.notices = new Notices(self, neighbourhood)
    this.outputs = new Outputs(options)
    this.handOvers = new HandOvers(self)
    this.scout = new Scout(options, known)
    this.rivals = new Rivals(options, table, claims, conduct)
    const { work, notices, outputs, handOvers, scout, rivals } = this
    this.throughput = new Throughput(work, pace, scout)
    this.patience = new Patience(self, { ways, conduct, uplink: this.uplink })
    const { patience } = this
    this.bidding = new Bidding(options, hosted, { rivals, claims, work, pace })
    this.serving = new Serving(self, { work, pace, claims, notices, rivals, scout, ways })
    this.author = new Author(options, { ...known, handOvers, patience, scout })
    const { bidding, serving, author } = this
    this.following = new Following({ claims, outputs, work, bidding, handOvers })
    const { following } = this
    const parts = { ...known, work, pace, notices, outputs, rivals, bidding, serving, following }
    this.contest = new Contest(options, parts)
    const { contest } = this
    this.errands = new Errands({ work, pace, bidding, contest, scout })
    this.visits = new Visits(self, { ...parts, author, contest })
    this.heeding = new Heeding(options, { ...parts, handOvers, author, contest })
  }

  /** Requests that it follows. */
  get followed(): number {
    return this.following.size
  }

  /** It runs a layer or is about to, or watches over a step that it handed over. */
  get isAtWork(): boolean {
    return this.work.size > 0 || this.handOvers.isWatching
  }

  /** The share of strangers that let it down, 0 … 1. */
  get strangersFail(): number {
    return this.strangers.failShare
  }

  /** Who counts as a host; see `Scout.trust`. */
  trust(nowMs: number): HostTrust {
    return this.scout.trust(nowMs)
  }

  /** Whether it has seen another deliver, itself, and hand its results over. */
  vouchesFor(peer: PeerId): boolean {
    return this.conduct.isProven(peer) && !this.withholding.isSuspect(peer)
  }

  /** Everybody who could run layers of a request of this member's own that has not begun. */
  survey(of: Survey, nowMs: number): Choice {
    return this.scout.survey(of, nowMs)
  }

  /** A peer has run what it was asked for in a round, or was silent. */
  judged(peer: PeerId, hasDelivered: boolean, nowMs: number): void {
    const isStranger = !this.conduct.isProven(peer)
    if (hasDelivered) this.conduct.delivered(peer, undefined, nowMs)
    else this.conduct.expired(peer, nowMs)
    if (isStranger) this.strangers.tried(hasDelivered)
  }

  /** How much of the time its runs may take from now on, above 0 and at most 1. */
  setTimeShare(share: number, nowMs: number): Effect[] {
    this.work.timeShare = share
    return this.contest.bidAnew(nowMs)
  }

  /** Bids or stops bidding; running layers are finished either way. */
  setActive(active: boolean, nowMs: number): Effect[] {
    this.bidding.active = active
    return active ? this.contest.bidOnIdle(nowMs) : []
  }

  /** A slot or a layer is free: bid on everything that nobody works on. */
  bidOnIdle(nowMs: number): Effect[] {
    return this.contest.bidOnIdle(nowMs)
  }

  /** A request of this member's own goes on from this step. @param suspect whoever was to, and is silent. */
  lead(step: Step, suspect: PeerId | undefined, nowMs: number): Effect[] {
    const effects: Effect[] = []
    let flight = this.following.get(step.request)
    if (flight === undefined) {
      flight = this.following.beginOwn(step, nowMs)
      const isBarred = flight.bars(draw(this.self))
      const layers = isBarred
        ? undefined
        : this.bidding.ownShare(flight, this.scout.usualLayerMs(), nowMs)
      if (layers !== undefined) return this.serving.accept(flight, layers, nowMs)
    } else if (!sameStep(step, flight.newest)) {
      effects.push(...this.following.letGo(flight))
      flight.advance(step, nowMs)
    }
    if (suspect !== undefined) flight.doubts.letDownBy(suspect)
    return effects.concat(this.author.handOver(flight, nowMs))
  }

  /** A request of this member's own has ended. @returns whom it told of it. */
  finish(request: RequestId, nowMs: number): { told: PeerId[]; effects: Effect[] } {
    const told = [...(this.handOvers.end(request)?.told ?? [])]
    const flight = this.following.get(request)
    return { told, effects: flight === undefined ? [] : this.close(flight, true, nowMs) }
  }

  /** How a step would be met, before its signatures are looked at. @param payer as for `onStep`. */
  admits(from: PeerId, step: Step, payer: PeerId, nowMs: number): Admission {
    const isKnown = step.requester === this.self || this.following.get(step.request) !== undefined
    return isKnown ? 'follow' : this.following.admits(from, step, payer, nowMs)
  }

  /** What is left of a request that it follows, milliseconds. */
  timeLeftMs(request: RequestId, nowMs: number): number | undefined {
    return this.following.get(request)?.remainingMs(nowMs)
  }

  /** The step of its own after so many layers, if it still has it: the newest of a request, or the one before. */
  ownStep(request: RequestId, hop: number): Step | undefined {
    const step = this.following.get(request)?.stepAt(hop)
    return step?.route.at(-1)?.peer === this.self ? step : undefined
  }

  /** @param payer the neighbour that answers for the room that a new request takes. */
  onStep(from: PeerId, said: Step, nowMs: number, payer = from): Effect[] {
    const step = this.withoutHearsay(from, said)
    const flight = this.following.get(step.request)
    if (flight === undefined) return this.heeding.first(from, step, nowMs, payer)
    const { newest } = flight
    if (!asksTheSame(step, newest)) return []
    if (sameStep(step, newest)) return this.heeding.again(flight, from, step, nowMs)
    this.patience.answered(flight.doubts.isDoubted(from))
    if (!supersedes(step, newest))
      return from === step.requester ? this.outputs.sayAgain(flight, nowMs) : []
    if (isUnchanged(step, newest)) return []
    const alive = this.handOvers.leads(flight)
      ? this.notices.alive(flight, from, { ttlMs: ALIVE_MS, hop: step.route.length })
      : []
    this.rivals.superseded(flight, step, nowMs)
    this.author.ended(flight, step.route.at(-1)?.peer)
    return [...alive, ...this.heeding.next(flight, step, nowMs)]
  }

  /** Whom a requester found silent is believed to be, and whom somebody proven did: a stranger could name anybody. */
  private withoutHearsay(from: PeerId, step: Step): Step {
    const isBelieved = from === this.self || from === step.requester || this.conduct.isProven(from)
    return isBelieved || step.silent.length === 0 ? step : { ...step, silent: [] }
  }

  onClaim(from: PeerId, claim: Claim, nowMs: number): Effect[] {
    const flight = this.following.get(claim.request)
    if (flight === undefined) return []
    const effects: Effect[] = []
    const { era, route } = flight.newest
    if (claim.era !== era || claim.hop < route.length) return effects
    if (claim.lost) effects.push(...this.onLost(flight, from, claim))
    // An author that has no way to the requester says that whoever it chose is at work, or somebody further on.
    if (claim.ttlMs > 0 && flight.author === from)
      return effects.concat(this.notices.alive(flight, from, claim))
    if (claim.hop !== route.length) return effects
    const asAuthor = this.author.onClaim(flight, from, claim, nowMs)
    if (asAuthor !== undefined)
      return [...effects, ...asAuthor, ...this.notices.alive(flight, from, claim)]
    if (claim.ttlMs === 0) return effects.concat(this.contest.declined(flight, from, claim, nowMs))
    return effects.concat(this.contest.claimed(flight, from, claim, nowMs))
  }

  /** The tensor of the newest step, or of one that goes on from it, is gone with its holder. */
  private onLost(flight: Flight, from: PeerId, claim: Claim): Effect[] {
    const { author } = flight
    if (author === undefined) return []
    if (author !== this.self && claim.hop === flight.newest.route.length)
      flight.doubts.letDownBy(author)
    return this.notices.lost(flight, from, claim)
  }

  /** The requester asks for another choice in place of somebody silent. */
  onAgain(from: PeerId, again: Again, nowMs: number): Effect[] {
    const { request, era, hop, suspect } = again
    const flight = this.following.get(request)
    if (flight === undefined || flight.newest.requester !== from || era <= flight.newest.era)
      return []
    if (this.ownStep(request, hop) === undefined) return []
    const effects = this.following.letGo(flight)
    flight.beginEra(again)
    if (suspect !== undefined) flight.doubts.letDownBy(suspect)
    return effects.concat(this.author.handOver(flight, nowMs))
  }

  onDone(from: PeerId, { request }: Done, nowMs: number): Effect[] {
    const flight = this.following.get(request)
    if (flight === undefined || flight.newest.requester !== from) return []
    return this.close(flight, true, nowMs)
  }

  /** Whoever is gone goes on with nothing, and what it held is gone with it: nobody waits until a pull of it fails. */
  onDisconnected(peer: PeerId, nowMs: number): Effect[] {
    const effects = this.visits.onDisconnected(peer, nowMs)
    effects.push(...this.payerGone(peer, nowMs))
    for (const flight of this.following.all()) {
      if (this.claims.get(flight.request)?.peer !== peer) continue
      if (this.handOvers.leads(flight)) {
        effects.push(...this.author.silent(flight, nowMs))
        continue
      }
      flight.doubts.letDownBy(peer)
      flight.wait.disturb()
      this.claims.free(flight.request)
      effects.push(...this.contest.bid(flight, nowMs))
    }
    return effects
  }

  /** Who answered for a request is gone: it is not followed any longer, or for a while where somebody works on it here. */
  private payerGone(peer: PeerId, nowMs: number): Effect[] {
    return [...this.following.all()].flatMap((flight) => {
      if (flight.payer !== peer) return []
      flight.endBy(nowMs + UNPAID_MS)
      const isIdle = !this.work.has(flight.request) && !this.handOvers.leads(flight)
      return isIdle ? this.following.leave(flight) : []
    })
  }

  onTime(nowMs: number): Effect[] {
    const effects = this.visits.onTime(nowMs)
    for (const flight of this.following.all()) {
      if (nowMs >= flight.deadlineMs) effects.push(...this.close(flight, false, nowMs))
      else if (nowMs >= this.handOvers.dueMs(flight))
        effects.push(...this.author.silent(flight, nowMs))
      else if (nowMs >= this.bidding.dueMs(flight))
        effects.push(...this.contest.claim(flight, this.bidding.choose(flight, nowMs), nowMs))
    }
    this.following.forgetFinished(nowMs)
    return effects
  }

  /** When `onTime` is due next. */
  wakeAtMs(): number {
    let at = this.visits.wakeAtMs()
    for (const flight of this.following.all())
      at = Math.min(at, this.handOvers.dueMs(flight), this.bidding.dueMs(flight), flight.deadlineMs)
    return at
  }

  private close(flight: Flight, done: boolean, nowMs: number): Effect[] {
    return [...this.following.end(flight, done, nowMs), ...this.contest.bidOnIdle(nowMs)]
  }
}
