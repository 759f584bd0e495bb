import { withinTolerance } from '../audits/agreement.ts'
import { Audits } from '../audits/audits.ts'
import { Ledger } from '../audits/ledger.ts'
import { BUSY_MS } from '../audits/limits.ts'
import type { OwnRunInput } from '../audits/own-runs.ts'
import { roundArithmetic } from '../audits/round-arithmetic.ts'
import { SameWeights } from '../audits/same-weights.ts'
import { isStepOfLayers } from '../audits/step-size.ts'
import { type CoreEffect, withdrawn } from '../effects.ts'
import { Withholding } from '../fetch/withholding.ts'
import type { Halfway, Opening } from '../handed-on.ts'
import type { JobId, Jobs } from '../jobs.ts'
import { Mixing } from '../lanes/mixing.ts'
import { BARRED_MAX, ERAS_MAX } from '../limits.ts'
import type { HeadOutcome } from '../ports.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import { CLASSIFY_POLICY_DEFAULT, type ClassifyPolicy } from '../request.ts'
import { asksTheSame, isComplete, isUnchanged, sameStep, supersedes } from '../step.ts'
import type { Activation, Claim, Hint, PeerId, RequestId, Step } from '../wire/messages.ts'
import { Answering, failed, stemLate, tellDone } from './answering.ts'
import { Coverage } from './coverage.ts'
import { InRounds } from './in-rounds.ts'
import { Judgement } from './judgement.ts'
import { Losses } from './losses.ts'
import { firstStep, Openings } from './openings.ts'
import type { RequesterOptions } from './options.ts'
import { type Begun, isPrefix, Pending } from './pending.ts'
import { Readout } from './readout.ts'
import { Scoring } from './scoring.ts'
import { SecondOffers } from './second-offer.ts'
import { Watchdog } from './watchdog.ts'

/**
 * Asks for answers: offers the stem's output, and hears how far its requests have come and who is at work on
 * them. What is scored `Readout` decides, what to do when nothing moves `Watchdog`, how it ends `Answering`.
 *
 * 1. Every request ends in exactly one answer or one failure, at its deadline at the latest, which counts from
 *    when it was asked.
 * 2. An answer names exactly the layers whose output its scores were computed from.
 * 3. A request that stands still is offered again; when tensors were lost, from an older step.
 * 4. A step with all layers applied is an answer, whatever its era.
 * 5. Of two that went on from one step, whoever is behind is told.
 * 6. What nobody in its lane could answer starts anew in the next.
 */
export class Requester {
  private readonly options: RequesterOptions
  /** Those whose first tensor is not here yet. */
  readonly openings = new Openings()
  private readonly pending = new Map<RequestId, Pending>()
  private readonly coverage: Coverage
  private readonly secondOffers: SecondOffers
  private readonly scoring: Scoring
  private readonly answering: Answering
  private readonly watchdog: Watchdog
  private readonly readout: Readout
  private readonly losses: Losses
  private readonly withholding: Withholding
  private lookedAtMs = 0
  private readonly ledger: Ledger
  private readonly weights: SameWeights
  private readonly audits: Audits
  private readonly judgement: Judgement
  /** What requests that are answered in rounds share with the others. */
  readonly inRounds: InRounds

  constructor(options: RequesterOptions, table: PeerTable, jobs: Jobs, nowMs: number) {
    const { self, shape, hosted } = options
    this.options = options
    const mixing = options.mixing ?? new Mixing({ release: '', shape })
    this.weights = new SameWeights(self, table, mixing)
    this.ledger = options.ledger ?? new Ledger()
    this.withholding = options.withholding ?? new Withholding(self)
    this.losses = new Losses(this.withholding)
    this.coverage = new Coverage(shape, table, hosted, this.withholding, nowMs)
    this.secondOffers = new SecondOffers(self, jobs.of('second-offer'))
    this.scoring = new Scoring(self, jobs.of('scoring'))
    this.audits = new Audits(
      {
        self,
        hosted,
        agree: options.agree ?? withinTolerance,
        isPlausible: options.isPlausible ?? isStepOfLayers,
        weights: this.weights,
        uploadBytesPerMs: options.uploadBytesPerMs ?? (() => undefined),
        isBusy: (nowMs) => this.isBusy(nowMs),
        arithmetic: options.arithmetic ?? roundArithmetic,
      },
      this.ledger,
      jobs.of('audit'),
    )
    const { pending, coverage, secondOffers, scoring, losses, audits } = this
    const ended = { pending, scoring, secondOffers, coverage, losses, audits }
    this.answering = new Answering(shape.layers, ended)
    const { answering } = this
    this.watchdog = new Watchdog(self, { pending, answering, coverage, secondOffers })
    const { ledger, watchdog } = this
    const inRounds = new Set<RequestId>()
    const judged = { pending, inRounds, ledger, audits, scoring, answering, watchdog }
    this.judgement = new Judgement(self, judged)
    this.inRounds = new InRounds(self, {
      ...{ open: inRounds, audits, checks: answering.checks, coverage },
      settle: (effects, atMs) => this.settle(effects, atMs),
    })
    this.readout = new Readout({ pending, scoring, answering, watchdog: this.watchdog })
  }

  get inFlight(): number {
    return this.openings.size + this.pending.size
  }

  /** Whether nobody in its lane has taken one of its requests any further since it came, or can check what those do who would. */
  isStarved(nowMs: number): boolean {
    const { ledger, audits, watchdog } = this
    const isOne = (one: Pending) => !audits.owns(one.request) && watchdog.isStarved(one, nowMs)
    return ledger.isAlone || [...this.pending.values()].some(isOne)
  }

  /** It is in another lane, whose members have not announced themselves yet. */
  laneEntered(nowMs: number): void {
    const starved = [...this.pending.values()].filter((one) => this.watchdog.isStarved(one, nowMs))
    this.coverage.laneEntered(nowMs)
    this.ledger.laneEntered()
    for (const wanted of starved) wanted.startOver(nowMs)
    this.onCoverage(nowMs)
  }

  /** A request is asked: its time begins, and its first tensor comes later. */
  open(request: RequestId, policy: ClassifyPolicy, nowMs: number, seed?: string): void {
    this.openings.begin(request, policy, nowMs, seed)
  }

  /** The first tensor of a request is here. @param activation the stem's output, (B, T, C). */
  begin(request: RequestId, activation: Activation, nowMs: number): CoreEffect[] {
    const opening = this.openings.take(request)
    if (opening === undefined) return withdrawn(activation)
    this.audits.begin(request, opening.seed)
    return this.lead(
      this.stemOf({ request, opening, route: [], activation }, nowMs),
      opening,
      nowMs,
    )
  }

  /** Layers are left of a request that ran in rounds: they are run one after another. */
  goOn(halfway: Halfway, nowMs: number): CoreEffect[] {
    const { request, opening, rounds, origin, told } = halfway
    const begun = { rounds, origin }
    const effects = this.lead(this.stemOf(halfway, nowMs), opening, nowMs, begun)
    for (const peer of told) this.pending.get(request)?.strays.add(peer)
    return effects
  }

  private stemOf(
    of: Pick<Halfway, 'request' | 'opening' | 'route' | 'activation'>,
    nowMs: number,
  ): Step {
    const { self } = this.options
    const all = [...this.weights.skipped(), ...this.ledger.barred(nowMs)].slice(-BARRED_MAX)
    const barred = this.coverage.bars(of.opening.policy, all, nowMs)
    return firstStep({ ...of, requester: self, barred }, nowMs)
  }

  private isBusy(nowMs: number): boolean {
    return [...this.pending.values()].some(
      ({ request, startedMs }) => nowMs - startedMs > BUSY_MS && !this.audits.owns(request),
    )
  }

  private lead(stem: Step, opening: Opening, nowMs: number, begun?: Begun): CoreEffect[] {
    const scoringMs = (step: Step) => this.scoring.time.mostMs(step)
    // Whoever hands nothing over may compute no less right: it is not kept out of audits.
    const isAudit = this.audits.owns(stem.request)
    const barred = (atMs: number, all = this.audits.barred(stem.request, atMs)) =>
      isAudit ? all : this.coverage.bars(opening.policy, all, atMs)
    const wanted = new Pending(stem, opening, { scoringMs, barred }, nowMs, begun)
    this.pending.set(stem.request, wanted)
    this.coverage.judge(wanted, nowMs)
    return [{ do: 'lead', step: stem, suspect: undefined }]
  }

  /** What was computed for one request is computed again, as a request of its own. */
  private recompute(stem: Step, nowMs: number): CoreEffect[] {
    const { plan, remainingMs: deadlineMs } = stem
    const policy = { ...CLASSIFY_POLICY_DEFAULT, deadlineMs, minLayers: plan.length, plan }
    return this.lead(stem, { policy, startedMs: nowMs }, nowMs)
  }

  /** There will be no first tensor. @param reason in one line. */
  stemFailed(request: RequestId, reason: string): CoreEffect[] {
    const isOpen = this.openings.take(request) !== undefined
    return isOpen ? [failed(request, { code: 'stem-failed', reason })] : []
  }

  cancel(request: RequestId, nowMs: number): CoreEffect[] {
    const wanted = this.pending.get(request)
    if (wanted !== undefined)
      return this.settle(this.answering.fail(wanted, { code: 'cancelled' }, nowMs), nowMs)
    return this.openings.take(request) === undefined ? [] : [failed(request, { code: 'cancelled' })]
  }

  /** @param from who says so: its author, or somebody who passes its tensor on. */
  onStep(from: PeerId, step: Step, nowMs: number): CoreEffect[] {
    const wanted = this.pending.get(step.request)
    if (wanted === undefined || !wanted.takesSteps) return []
    if (!asksTheSame(step, wanted.newest)) return []
    const { newest } = wanted
    if (this.losses.isRefused(wanted, step)) return []
    if (sameStep(step, newest)) return this.onRenamed(wanted, from, step, nowMs)
    // The work of an older era is as good as any once nothing is left to do.
    const isDone = isComplete(step, this.options.shape.layers)
    if (!isDone && !supersedes(step, newest)) return this.onStray(wanted, step, nowMs)
    if (isUnchanged(step, newest)) return []
    const refused = this.judgement.refuse(wanted, step, nowMs)
    if (refused !== undefined) return refused
    this.withholding.followed(newest, step)
    this.watchdog.advanced(wanted, wanted.advance(step, nowMs), nowMs)
    if (this.audits.owns(step.request)) return isDone ? this.onRecomputed(wanted, nowMs) : []
    const { last } = wanted
    const drawn = last === undefined ? [] : this.audits.advanced(last, step, nowMs)
    const effects = isDone
      ? [this.readout.progress(wanted), ...this.answering.closeUp(wanted, 'complete', nowMs)]
      : this.readout.sharpen(wanted, nowMs)
    return this.settle([...drawn, ...effects], nowMs)
  }

  /** All layers were run again: their output is needed, and no scores. */
  private onRecomputed(wanted: Pending, nowMs: number): CoreEffect[] {
    const { activation } = wanted.newest
    if (activation.place === 'inline') return this.recomputed(wanted, activation.bytes, nowMs)
    return this.audits.isSettledBy(wanted.newest)
      ? this.recomputed(wanted, undefined, nowMs)
      : this.answering.closeUp(wanted, 'complete', nowMs)
  }

  /** What follows from audits, and what is to be run again. */
  private settle(effects: CoreEffect[], nowMs: number): CoreEffect[] {
    const settled = this.judgement.after(effects, nowMs)
    const { stems, recounts } = this.audits.news
    for (const stem of stems.splice(0)) settled.push(...this.recompute(stem, nowMs))
    for (const recount of recounts.splice(0)) settled.push({ do: 'recount', recount })
    return settled
  }

  private recomputed(wanted: Pending, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    const ended = this.answering.drop(wanted)
    return this.settle([...ended, ...this.audits.recomputed(wanted.newest, bytes, nowMs)], nowMs)
  }

  /** The newest step names somebody else: its author lives, and looks after it. */
  private onRenamed(wanted: Pending, from: PeerId, step: Step, nowMs: number): CoreEffect[] {
    const { route, next } = wanted.newest
    // Its author, whoever that named to pass the tensor on, and this member: nobody else has a say in it.
    if (from !== route.at(-1)?.peer && from !== next && from !== this.options.self) return []
    wanted.rename(step, nowMs)
    this.coverage.judge(wanted, nowMs)
    return []
  }

  /** Two went on from one step: whoever is behind hears how far the other is, and stops. */
  private onStray(wanted: Pending, step: Step, nowMs: number): CoreEffect[] {
    const { newest } = wanted
    if (step.route.length > newest.route.length || isPrefix(step, newest)) return []
    const to = [step.route.at(-1)?.peer, step.next].filter(
      (peer) => peer !== undefined && peer !== this.options.self && peer !== newest.next,
    ) as PeerId[]
    if (to.length === 0) return []
    for (const peer of to) wanted.strays.add(peer)
    return [{ do: 'tell', message: wanted.message(nowMs), to }]
  }

  /** Somebody says whom it has found out. */
  onHint(from: PeerId, { about }: Hint, nowMs: number): CoreEffect[] {
    const { self } = this.options
    if (from !== self && about !== self && about !== from) this.ledger.hinted(from, about, nowMs)
    return []
  }

  /** Somebody still works on a request of this member's that has ended. */
  onLate(from: PeerId, request: RequestId): CoreEffect[] {
    if (from === this.options.self || !this.answering.tellsLate(request, from)) return []
    return [tellDone(request, [from])]
  }

  /** What somebody held is gone with them. */
  onDisconnected(peer: PeerId, nowMs: number): CoreEffect[] {
    return this.settle(this.readout.onDisconnected(peer, nowMs), nowMs)
  }

  /** Peers came, went or changed their layers. */
  onCoverage(nowMs: number): void {
    for (const wanted of this.pending.values()) this.coverage.judge(wanted, nowMs)
  }

  onClaim(from: PeerId, claim: Claim, nowMs: number): CoreEffect[] {
    const wanted = this.pending.get(claim.request)
    if (wanted === undefined || claim.hop < wanted.newest.route.length) return []
    // Whoever was named, or any one where nobody was, is waited for a little longer, however long it asks for.
    const { next, route, era } = wanted.newest
    // Its author may have no way to here: then somebody is at work on a step that this member has not heard.
    const isFurther = claim.hop > route.length && claim.era === era
    const isOfNewest = claim.hop === route.length
    const counts = next === undefined || next === from || route.at(-1)?.peer === from
    if (claim.ttlMs > 0 && (isFurther || (isOfNewest && counts)))
      this.watchdog.claimed(wanted, from, claim, nowMs)
    if (wanted.closing !== undefined) return []
    // Whoever was to run something again has no way to its input: it is sent from here.
    if (claim.lost && isOfNewest && this.audits.owns(claim.request))
      return this.settle(this.answering.fail(wanted, { code: 'no-providers' }, nowMs), nowMs)
    if (claim.lost && this.losses.counts(wanted, from, claim, nowMs))
      return this.watchdog.lost(wanted, claim.hop, nowMs)
    // Whoever would go on has no way to the tensor: everybody has one to here.
    const isApart = claim.ttlMs === 0 && isOfNewest && claim.era === era && next === undefined
    return isApart ? this.secondOffers.fetch(wanted.newest) : []
  }

  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    if (id.owner === 'audit') return this.settle(this.audits.onPulled(id, bytes, nowMs), nowMs)
    if (id.owner === 'second-offer') return this.onFetched(id, bytes, nowMs)
    const step = this.scoring.stepOf(id)
    const { self } = this.options
    if (step === undefined || bytes === undefined) {
      if (step !== undefined) this.withholding.inVain(step, self, nowMs)
      return this.settle(this.readout.onPulled(id, bytes, nowMs), nowMs)
    }
    this.withholding.had(step, self)
    const again = this.audits.owns(step.request) ? this.pending.get(step.request) : undefined
    if (again !== undefined && sameStep(step, again.newest))
      return this.recomputed(again, bytes, nowMs)
    this.audits.scored(step, bytes)
    return this.settle(this.readout.onPulled(id, bytes, nowMs), nowMs)
  }

  /** What nobody can go on from, as it cannot be had from here either, is lost. */
  private onFetched(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    const step = this.secondOffers.stepOf(id)
    const effects: CoreEffect[] = this.secondOffers.pulled(id, bytes)
    if (bytes !== undefined || step === undefined || step.era >= ERAS_MAX) return effects
    const wanted = this.pending.get(step.request)
    if (wanted === undefined || wanted.closing !== undefined) return effects
    const isStuck = sameStep(step, wanted.newest) && wanted.newest.next === undefined
    return isStuck ? effects.concat(this.watchdog.rescue(wanted, nowMs)) : effects
  }

  /** A tensor of somebody else can be offered from here. */
  onPrepared(id: JobId, activation: Activation | undefined, nowMs: number): CoreEffect[] {
    if (id.owner === 'audit')
      return this.settle(this.audits.onPrepared(id, activation, nowMs), nowMs)
    const offer = this.secondOffers.prepared(id, activation)
    const wanted = offer && this.pending.get(offer.step.request)
    if (offer === undefined || wanted === undefined) return withdrawn(activation)
    // Whoever was named meanwhile has it from its author.
    const isWanted = sameStep(offer.step, wanted.newest) && wanted.newest.next === undefined
    if (wanted.closing !== undefined || !isWanted) return withdrawn(activation)
    if (offer.activation.place === 'held') this.secondOffers.keep(wanted.request, offer.activation)
    wanted.moveTensor(offer.activation)
    return [{ do: 'publish', message: wanted.message(nowMs) }]
  }

  /** A layer was loaded that is not hosted for others, or has run for nobody else. */
  onOwnRun(input: OwnRunInput, nowMs: number): CoreEffect[] {
    return this.settle(this.audits.onOwnRun(input, nowMs), nowMs)
  }

  onHeadRun(id: JobId, outcome: HeadOutcome, nowMs: number): CoreEffect[] {
    return this.settle(this.readout.onHeadRun(id, outcome, nowMs), nowMs)
  }

  onTime(nowMs: number): CoreEffect[] {
    this.lookedAtMs = nowMs
    return [
      ...this.settle(this.failUnled(nowMs), nowMs),
      ...this.openings.takeDue(nowMs).map(([request, ms]) => stemLate(request, ms)),
      ...this.readout.onTime(nowMs),
      ...this.settle([...this.watchdog.onTime(nowMs), ...this.judgement.onTime(nowMs)], nowMs),
    ]
  }

  /** When `onTime` is due next. */
  wakeAtMs(): number {
    return Math.min(
      this.openings.wakeAtMs(),
      this.readout.wakeAtMs(),
      this.watchdog.wakeAtMs(),
      this.audits.wakeAtMs(this.lookedAtMs),
      this.unled().length > 0 ? this.lookedAtMs : Number.POSITIVE_INFINITY,
    )
  }

  /** Recomputations that nobody could be named for, though others were to run them. */
  private unled(): Pending[] {
    return [...this.pending.values()].filter(
      (wanted) => this.audits.owns(wanted.request) && wanted.isLeftTo(this.options.hosted),
    )
  }

  private failUnled(nowMs: number): CoreEffect[] {
    const { answering } = this
    return this.unled().flatMap((one) => answering.fail(one, { code: 'no-providers' }, nowMs))
  }
}
