import { ResponseTime } from '../claims/response-time.ts'
import { type CoreEffect, type Effect, withdrawn } from '../effects.ts'
import type { JobId, Jobs } from '../jobs.ts'
import { ERAS_MAX, PRESENCE_INTERVAL_MS_MAX, STALL_MS_MAX } from '../limits.ts'
import type { HeadOutcome } from '../ports.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import type { ClassifyPolicy } from '../request.ts'
import {
  asksTheSame,
  isComplete,
  isUnchanged,
  type ModelShape,
  openLayers,
  sameStep,
  supersedes,
} from '../step.ts'
import type { Activation, Claim, PeerId, RequestId, Step } from '../wire/messages.ts'
import { Answering, tellDone } from './answering.ts'
import { NAMED_STALL_MS } from './limits.ts'
import { type Closing, isPrefix, Pending } from './pending.ts'
import { isConfident, Scoring } from './scoring.ts'
import { SecondOffers } from './second-offer.ts'

/** For whom, and for which model, is asked. */
export interface RequesterOptions {
  readonly self: PeerId
  readonly shape: ModelShape
}

/**
 * Asks for answers: offers the stem's output, watches the steps, answers when its policy is met.
 *
 * 1. Every request ends in exactly one answer or one failure, at its deadline at the latest.
 * 2. An answer names exactly the layers whose output its scores were computed from.
 * 3. A request that stands still is offered again; when tensors were lost, from an older step.
 * 4. A step with all layers applied is an answer, whatever its era.
 * 5. Of two that went on from one step, whoever is behind is told.
 */
export class Requester {
  private readonly options: RequesterOptions
  private readonly table: PeerTable
  /** Before, a layer without a known host may well have one that has not announced itself yet. */
  private laneKnownAtMs: number
  private readonly pending = new Map<RequestId, Pending>()
  private readonly scoring: Scoring
  private readonly secondOffers: SecondOffers
  private readonly answering: Answering
  private readonly pace = new ResponseTime()

  constructor(options: RequesterOptions, table: PeerTable, jobs: Jobs, nowMs: number) {
    this.options = options
    this.laneKnownAtMs = nowMs + PRESENCE_INTERVAL_MS_MAX
    this.table = table
    this.scoring = new Scoring(options.self, jobs.of('scoring'))
    this.secondOffers = new SecondOffers(options.self, jobs.of('second-offer'))
    const { pending, scoring, secondOffers } = this
    this.answering = new Answering(options.shape.layers, { pending, scoring, secondOffers })
  }

  get inFlight(): number {
    return this.pending.size
  }

  /** It is in another lane, whose members have not announced themselves yet. */
  laneEntered(nowMs: number): void {
    this.laneKnownAtMs = nowMs + PRESENCE_INTERVAL_MS_MAX
    for (const wanted of this.pending.values()) wanted.laneKnownAtMs = this.laneKnownAtMs
    this.onCoverage(nowMs)
  }

  /** @param activation the stem's output, (B, T, C). */
  classify(
    request: RequestId,
    activation: Activation,
    policy: ClassifyPolicy,
    nowMs: number,
  ): CoreEffect[] {
    const stem: Step = {
      kind: 'step',
      request,
      requester: this.options.self,
      era: 0,
      route: [],
      plan: policy.plan,
      activation,
      input: undefined,
      next: undefined,
      remainingMs: policy.deadlineMs,
    }
    const wanted = new Pending(stem, policy, this.laneKnownAtMs, nowMs)
    this.pending.set(request, wanted)
    wanted.judgeCoverage(this.isCovered(wanted), nowMs)
    return [{ do: 'lead', step: stem, suspect: undefined }]
  }

  cancel(request: RequestId): CoreEffect[] {
    const wanted = this.pending.get(request)
    return wanted === undefined ? [] : this.answering.fail(wanted, { code: 'cancelled' })
  }

  /** @param from who says so: its author, or somebody who passes its tensor on. */
  onStep(from: PeerId, step: Step, nowMs: number): CoreEffect[] {
    const wanted = this.pending.get(step.request)
    if (wanted === undefined || wanted.closing !== undefined) return []
    if (!asksTheSame(step, wanted.stem)) return []
    const { newest } = wanted
    if (sameStep(step, newest)) return this.onRenamed(wanted, from, step, nowMs)
    // The work of an older era is as good as any once nothing is left to do.
    const isDone = isComplete(step, this.options.shape.layers)
    if (!isDone && !supersedes(step, newest)) return this.onStray(wanted, step, nowMs)
    if (isUnchanged(step, newest)) return []
    const tookMs = wanted.advance(step, nowMs)
    if (tookMs !== undefined) this.pace.observe(tookMs)
    wanted.judgeCoverage(this.isCovered(wanted), nowMs)
    const effects: CoreEffect[] = [this.progress(wanted)]
    if (isDone) return effects.concat(this.closeUp(wanted, 'complete', nowMs))
    const { anytime, stopAtConfidence } = wanted.policy
    const wantsScores = anytime || stopAtConfidence !== undefined
    if (wantsScores && !this.scoring.isBusy(step.request)) effects.push(this.scoring.begin(step))
    return effects
  }

  /** The newest step names somebody else: its author lives, and looks after it. */
  private onRenamed(wanted: Pending, from: PeerId, step: Step, nowMs: number): CoreEffect[] {
    const { route, next } = wanted.newest
    // Its author, whoever that named to pass the tensor on, and this member: nobody else has a say in it.
    if (from !== route.at(-1)?.peer && from !== next && from !== this.options.self) return []
    wanted.rename(step.next, nowMs)
    wanted.judgeCoverage(this.isCovered(wanted), nowMs)
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

  /** Somebody still works on a request of this member's that has ended. */
  onLate(from: PeerId, request: RequestId): CoreEffect[] {
    if (from === this.options.self || !this.answering.hasEnded(request)) return []
    return [tellDone(request, [from])]
  }

  /** What somebody held is gone with them: nobody waits until a pull of it fails. */
  onDisconnected(peer: PeerId, nowMs: number): CoreEffect[] {
    return this.scoring
      .pullingFrom(peer)
      .flatMap((job) => [{ do: 'cancel', job } as const, ...this.onPulled(job, undefined, nowMs)])
  }

  /** Peers came, went or changed their layers. */
  onCoverage(nowMs: number): void {
    for (const wanted of this.pending.values()) wanted.judgeCoverage(this.isCovered(wanted), nowMs)
  }

  onClaim(from: PeerId, claim: Claim, nowMs: number): CoreEffect[] {
    const wanted = this.pending.get(claim.request)
    if (wanted === undefined || claim.hop < wanted.newest.route.length) return []
    const stallMs = this.stallMs()
    // Whoever was named, or any one where nobody was, is waited for a little longer, however long it asks for.
    const { next, route, era } = wanted.newest
    // Its author may have no way to here: then somebody is at work on a step that this member has not heard.
    const isFurther = claim.hop > route.length && claim.era === era
    const isOfNewest = claim.hop === route.length
    const counts = next === undefined || next === from || route.at(-1)?.peer === from
    if (claim.ttlMs > 0 && (isFurther || (isOfNewest && counts)))
      wanted.claimed(claim, stallMs, nowMs)
    // Its tensor is gone with its holder: nobody can go on from here. The first one is this member's own.
    const isLost =
      claim.lost && isOfNewest && claim.era === era && route.length > 0 && era < ERAS_MAX
    if (wanted.closing !== undefined) return []
    if (isLost) return this.rescue(wanted, nowMs)
    // Whoever would go on has no way to the tensor: everybody has one to here.
    const isApart = claim.ttlMs === 0 && isOfNewest && claim.era === era && next === undefined
    return isApart ? this.secondOffers.fetch(wanted.newest) : []
  }

  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    if (id.owner === 'second-offer') return this.onFetched(id, bytes, nowMs)
    const wanted = this.wantedBy(id)
    const next = this.scoring.pulled(id, bytes)
    if (wanted === undefined || next === undefined) return []
    return 'lost' in next ? this.headLost(wanted, nowMs) : [next]
  }

  /** What nobody can go on from, as it cannot be had from here either, is lost. */
  private onFetched(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    const step = this.secondOffers.stepOf(id)
    const effects: CoreEffect[] = this.secondOffers.pulled(id, bytes)
    if (bytes !== undefined || step === undefined || step.era >= ERAS_MAX) return effects
    const wanted = this.pending.get(step.request)
    if (wanted === undefined || wanted.closing !== undefined) return effects
    const isStuck = sameStep(step, wanted.newest) && wanted.newest.next === undefined
    return isStuck ? effects.concat(this.rescue(wanted, nowMs)) : effects
  }

  /** A tensor of somebody else can be offered from here. */
  onPrepared(id: JobId, activation: Activation | undefined, nowMs: number): CoreEffect[] {
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

  onHeadRun(id: JobId, outcome: HeadOutcome, nowMs: number): CoreEffect[] {
    const wanted = this.wantedBy(id)
    const scored = this.scoring.ran(id, outcome)
    if (wanted === undefined || scored === undefined) return []
    if ('lost' in scored) return this.headLost(wanted, nowMs)
    const { step } = scored.scores
    if (wanted.closing !== undefined) {
      return sameStep(step, wanted.newest)
        ? this.answering.answer(wanted, nowMs)
        : [this.scoring.begin(wanted.newest)]
    }
    const effects: CoreEffect[] = [this.progress(wanted)]
    if (isConfident(scored.scores, wanted.policy)) {
      wanted.settleOn(step)
      return effects.concat(this.closeUp(wanted, 'confident', nowMs))
    }
    if (!sameStep(step, wanted.newest)) effects.push(this.scoring.begin(wanted.newest))
    return effects
  }

  onTime(nowMs: number): CoreEffect[] {
    const effects: CoreEffect[] = []
    for (const wanted of this.pending.values()) effects.push(...this.watch(wanted, nowMs))
    return effects
  }

  /** When `onTime` is due next. */
  wakeAtMs(): number {
    let at = Number.POSITIVE_INFINITY
    for (const wanted of this.pending.values()) at = Math.min(at, wanted.wakeAtMs(this.stallMs()))
    return at
  }

  /** After this long without a sign of work the newest step is offered again, milliseconds. */
  private stallMs(): number {
    return this.pace.patienceMs(NAMED_STALL_MS, STALL_MS_MAX)
  }

  /** Looks at a request that no message has moved. */
  private watch(wanted: Pending, nowMs: number): CoreEffect[] {
    if (nowMs >= wanted.deadlineMs) return this.answering.answerFromLast(wanted, nowMs)
    if (wanted.closing !== undefined) return []
    if (wanted.isDue(nowMs)) return this.closeUp(wanted, 'deadline', nowMs)
    if (wanted.isAbandoned(nowMs)) return this.closeUp(wanted, 'uncovered', nowMs)
    if (!wanted.isStalled(this.stallMs(), nowMs)) return []
    return this.rescue(wanted, nowMs)
  }

  /**
   * Whoever was to go on is silent, and so is who chose them: the author before chooses again, in a new
   * era; after a few times the request is offered to whoever answers first.
   */
  private rescue(wanted: Pending, nowMs: number): CoreEffect[] {
    const wasLeft = wanted.newest.next === undefined
    const suspect = wanted.goBack(nowMs)
    wanted.judgeCoverage(this.isCovered(wanted), nowMs)
    const step = wanted.message(nowMs)
    const author = step.route.at(-1)?.peer
    const { request, era, route } = step
    if (author === undefined || author === this.options.self)
      return [{ do: 'lead', step, suspect: wanted.isDesperate ? undefined : suspect }]
    const again = { kind: 'again', request, era, hop: route.length, suspect } as const
    // Where nobody was to be named before, its author may have no way to whoever could go on.
    const fetched = wasLeft ? this.secondOffers.fetch(step) : []
    return [{ do: 'tell', message: again, to: [author] }, ...fetched]
  }

  /** Whether someone alive hosts a layer that may come next, or none is needed any more. */
  private isCovered({ newest }: Pending): boolean {
    if (isComplete(newest, this.options.shape.layers)) return true
    // Its author knows a host, though this member has not heard of it yet.
    if (newest.next !== undefined && newest.route.length > 0) return true
    const open = openLayers(newest, this.options.shape.layers)
    for (const { presence } of this.table.all())
      if (presence.layers.some((layer) => open[layer])) return true
    return false
  }

  /** No more hops are waited for. */
  private closeUp(wanted: Pending, closing: Closing, nowMs: number): CoreEffect[] {
    return this.answering.closeUp(wanted, closing, this.isCovered(wanted), nowMs)
  }

  private headLost(wanted: Pending, nowMs: number): CoreEffect[] {
    return this.answering.headLost(wanted, nowMs) ?? this.rescue(wanted, nowMs)
  }

  private progress({ request, newest }: Pending): Effect {
    const scores = this.scoring.of(request)
    return {
      do: 'report',
      event: {
        type: 'progressed',
        request,
        route: newest.route,
        probabilities: scores?.probabilities,
        scoredHops: scores?.step.route.length ?? 0,
      },
    }
  }

  private wantedBy(id: JobId): Pending | undefined {
    const request = this.scoring.requestOf(id)
    return request === undefined ? undefined : this.pending.get(request)
  }
}
