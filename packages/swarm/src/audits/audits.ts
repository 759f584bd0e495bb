import type { EncodedActivation } from '@layerswarm/model'
import { draw } from '../draw.ts'
import { type CoreEffect, encoded, withdrawn } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import { BARRED_MAX, PUSH_BYTES_PER_MS } from '../limits.ts'
import { tagOf } from '../presence/near.ts'
import { heldBytes } from '../step.ts'
import type { Activation, PeerId, RequestId, Step } from '../wire/messages.ts'
import type { Agreement } from './agreement.ts'
import { Audit, type Verdict } from './audit.ts'
import { EarlyInputs } from './early-inputs.ts'
import type { Ledger } from './ledger.ts'
import {
  AUDIT_MS_MAX,
  AUDITS_MAX,
  CHANCE_MIN,
  DISPUTE_BURST_FACTOR,
  DISPUTE_HOLD_MS,
  HOLD_MS,
  RECOUNT_MS,
} from './limits.ts'
import { Lots } from './lots.ts'
import type { Plausibility } from './step-size.ts'
import { type Stretch, stretchOf } from './stretch.ts'

import { UplinkBudget } from './uplink-budget.ts'

/** Who audits, of which model. */
export interface AuditsOptions {
  readonly self: PeerId
  readonly agree: Agreement
  readonly isPlausible: Plausibility
  /** This member's uplink as measured, bytes per millisecond; undefined while it is not. */
  readonly uploadBytesPerMs: () => number | undefined
}

/** What came of an audit, for the request whose stretch it was. */
export interface AuditEnd {
  readonly request: RequestId
  readonly stretch: Stretch
  /** Or why there is none: a tensor could not be had, nobody else could run it, no two results agree. */
  readonly verdict: Verdict | 'unavailable' | 'alone' | 'undecided'
}

/**
 * Has what others computed for this member's requests computed again, by others still, and finds out who lies.
 *
 * 1. What is audited is drawn after the stretch was run, from a seed that nobody else knows until the answer.
 * 2. A recomputation is a request like any other: whoever runs it is not told that it is one, nor what is expected.
 * 3. Nobody judges but this member: it compares the tensors itself, and believes two that agree.
 * 4. At most AUDITS_MAX are under way, and they take a part of the uplink only; what they hold is let go at their end.
 * 5. Whoever is being audited is hardly drawn again meanwhile, and answers that it had a part in wait for that.
 */
export class Audits {
  private readonly options: AuditsOptions
  private readonly ledger: Ledger
  private readonly nextJob: () => JobId
  private readonly budget: UplinkBudget
  private readonly audits = new Set<Audit>()
  private readonly byJob = new Map<number, Audit>()
  private readonly byRecount = new Map<RequestId, Audit>()
  private readonly lots = new Lots()
  private readonly early = new EarlyInputs()
  private readonly ends: AuditEnd[] = []
  private readonly disputed: PeerId[] = []
  private readonly abandoned: RequestId[] = []

  constructor(options: AuditsOptions, ledger: Ledger, nextJob: () => JobId) {
    this.options = options
    this.ledger = ledger
    this.nextJob = nextJob
    this.budget = new UplinkBudget(options.uploadBytesPerMs)
  }

  /** A request begins. @param seed random bytes, hex; undefined where nothing of it is to be audited. */
  begin(request: RequestId, seed: string | undefined): void {
    if (seed !== undefined) this.lots.begin(request, seed)
  }

  /** A request has ended; its audits go on. */
  end(request: RequestId): CoreEffect[] {
    this.lots.end(request)
    return [...this.early.end(request), ...this.unscored(request)]
  }

  /** Whether a request is a recomputation. */
  owns(request: RequestId): boolean {
    return this.byRecount.has(request)
  }

  /** A step names a stranger: what it will run on is fetched meanwhile, since that is audited for certain. */
  named({ request, activation, next }: Step): CoreEffect[] {
    const { self } = this.options
    if (next === undefined || next === self || !this.lots.has(request)) return []
    if (activation.place === 'inline' || activation.holder === self) return []
    return this.ledger.isStranger(next) ? this.early.fetch(request, activation, this.nextJob) : []
  }

  /** A request has come from one step to another: draws whether what is between them is computed again. */
  advanced(before: Step, after: Step, nowMs: number): CoreEffect[] {
    const stretch = stretchOf(before, after)
    const peers = stretch.peers.filter((peer) => peer !== this.options.self)
    if (peers.length === 0 || this.audits.size >= AUDITS_MAX) return []
    if (!this.lots.has(after.request)) return []
    const chance = Math.max(...peers.map((peer) => this.chance(peer)))
    if (!this.lots.isDrawn(after, chance)) return []
    if (!this.budget.take(heldBytes(before), nowMs)) return []
    const { ledger } = this
    const isAwaited = ledger.hasMetLiars && peers.some((peer) => ledger.isStranger(peer))
    const jobs = { input: this.nextJob(), output: this.nextJob(), result: this.nextJob() }
    const audit = new Audit(stretch, isAwaited, jobs, nowMs)
    this.audits.add(audit)
    audit.isScored = after.next === this.options.self && after.activation.place === 'held'
    return [
      ...this.fetchInput(audit, nowMs),
      // A last output comes to be scored, and only once.
      ...(audit.isScored ? [] : this.fetch(audit, jobs.output, after.activation, nowMs)),
    ]
  }

  /** A tensor has come to be scored. */
  scored(step: Step, bytes: Uint8Array, nowMs: number): CoreEffect[] {
    return [...this.audits].flatMap((audit) =>
      !audit.hasOutput && audit.stretch.after.request === step.request && isOutput(audit, step)
        ? this.came(audit, audit.jobs.output, bytes, nowMs)
        : [],
    )
  }

  /** Nothing of a request is scored any more: what was to be compared then is fetched. */
  unscored(request: RequestId): CoreEffect[] {
    return [...this.audits].flatMap((audit) => {
      if (audit.request !== request || !audit.isScored || audit.hasOutput) return []
      audit.isScored = false
      const { output, jobs } = audit
      if (output.place === 'inline') return []
      this.byJob.set(jobs.output.number, audit)
      return [{ do: 'pull', job: jobs.output, tensor: output, isAwaited: true } as const]
    })
  }

  /** Audits that have taken too long, whatever they wait for. */
  onTime(nowMs: number): CoreEffect[] {
    return [...this.audits]
      .filter(({ sinceMs }) => nowMs >= sinceMs + AUDIT_MS_MAX)
      .flatMap((audit) => this.over(audit, 'unavailable'))
  }

  /** A tensor is here, or cannot be had. */
  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    const audit = this.byJob.get(id.number)
    this.byJob.delete(id.number)
    if (audit === undefined) {
      this.early.pulled(id, bytes)
      return []
    }
    return bytes === undefined
      ? this.over(audit, 'unavailable')
      : this.came(audit, id, bytes, nowMs)
  }

  /** The input can be had from here. @returns what is asked of others now: a request with a plan. */
  onPrepared(
    id: JobId,
    activation: Activation | undefined,
    nowMs: number,
  ): { stem: Step | undefined; effects: CoreEffect[] } {
    const audit = this.byJob.get(id.number)
    this.byJob.delete(id.number)
    if (audit === undefined) return { stem: undefined, effects: withdrawn(activation) }
    if (activation === undefined)
      return { stem: undefined, effects: this.over(audit, 'unavailable') }
    const request = this.lots.nameAfter(audit.stretch.after)
    audit.recount = request
    this.byRecount.set(request, audit)
    return { stem: this.stemOf(audit, request, activation, nowMs), effects: [] }
  }

  /** A recomputation has ended with this tensor. */
  recomputed({ request, route, activation }: Step, bytes: Uint8Array, nowMs: number): CoreEffect[] {
    const audit = this.takeRecount(request)
    if (audit === undefined) return []
    const peers = [...new Set(route.map(({ peer }) => peer))]
    const layers = route.length
    const verdict = this.add(audit, peers, encoded(activation, bytes))
    if (verdict === undefined && audit.isDisputed) this.dispute(audit)
    return [
      { do: 'report', event: { type: 'recomputed', request: audit.request, layers } },
      ...(verdict === undefined ? this.proceed(audit, nowMs) : this.over(audit, verdict)),
    ]
  }

  /** A recomputation came to nothing: it is tried again. */
  failed(request: RequestId): CoreEffect[] {
    const audit = this.takeRecount(request)
    audit?.failed()
    return audit === undefined ? [] : this.recompute(audit)
  }

  private takeRecount(request: RequestId): Audit | undefined {
    const audit = this.byRecount.get(request)
    this.byRecount.delete(request)
    if (audit === undefined) return undefined
    audit.recount = undefined
    audit.isRunning = false
    return audit
  }

  /** Whether an answer waits for what was drawn of its request. */
  holds({ request, route }: Step, nowMs: number): boolean {
    const has = (one: PeerId) => route.some(({ peer }) => peer === one)
    for (const audit of this.audits) {
      const concerns = audit.request === request || audit.stretch.peers.some((one) => has(one))
      if (concerns && nowMs < this.holdsUntilMs(audit)) return true
    }
    return false
  }

  /** When `onTime` is due next, or a hold ends that had not ended by `nowMs`, milliseconds. */
  wakeAtMs(nowMs: number): number {
    let at = Number.POSITIVE_INFINITY
    for (const audit of this.audits) {
      at = Math.min(at, audit.sinceMs + AUDIT_MS_MAX)
      const untilMs = this.holdsUntilMs(audit)
      if (untilMs > nowMs) at = Math.min(at, untilMs)
    }
    return at
  }

  /** Until when an answer waits for an audit, milliseconds. */
  private holdsUntilMs({ isAwaited, isDisputed, sinceMs }: Audit): number {
    if (isDisputed) return sinceMs + DISPUTE_HOLD_MS
    return isAwaited ? sinceMs + HOLD_MS : 0
  }

  /** Recomputations that nobody waits for any more, since this was asked last. */
  takeAbandoned(): RequestId[] {
    return this.abandoned.splice(0)
  }

  /** Peers about whom two results have been found to differ since this was asked last. */
  takeDisputed(): PeerId[] {
    return this.disputed.splice(0)
  }

  private dispute({ stretch }: Audit): void {
    this.disputed.push(...stretch.peers.filter((peer) => peer !== this.options.self))
  }

  /** Audits that have ended since this was asked last. */
  takeEnds(): AuditEnd[] {
    return this.ends.splice(0)
  }

  /** Of whoever is being audited already much is known soon. */
  private chance(peer: PeerId): number {
    for (const { stretch } of this.audits) if (stretch.peers.includes(peer)) return CHANCE_MIN
    return this.ledger.chance(peer)
  }

  /** What a stretch began with: where a stranger was to run it, it is here or on its way. */
  private fetchInput(audit: Audit, nowMs: number): CoreEffect[] {
    const { activation } = audit.stretch.before
    const early = this.early.take(activation)
    if (early === undefined)
      return [...this.keep(audit), ...this.fetch(audit, audit.jobs.input, activation, nowMs)]
    if (early.bytes !== undefined) return this.came(audit, audit.jobs.input, early.bytes, nowMs)
    audit.jobs.input = early.job
    this.byJob.set(early.job.number, audit)
    return []
  }

  /** A first tensor is this member's own, and stays until it was read. */
  private keep(audit: Audit): CoreEffect[] {
    const { activation } = audit.stretch.before
    if (activation.place === 'inline' || activation.holder !== this.options.self) return []
    audit.kept = activation.hash
    return [{ do: 'keep', hash: activation.hash }]
  }

  private unkeep(audit: Audit): CoreEffect[] {
    const { kept } = audit
    audit.kept = undefined
    return kept === undefined ? [] : [{ do: 'withdraw', hash: kept }]
  }

  private fetch(audit: Audit, job: JobId, activation: Activation, nowMs: number): CoreEffect[] {
    if (activation.place === 'inline') return this.came(audit, job, activation.bytes, nowMs)
    this.byJob.set(job.number, audit)
    return [{ do: 'pull', job, tensor: activation, isAwaited: false }]
  }

  private came(audit: Audit, job: JobId, bytes: Uint8Array, nowMs: number): CoreEffect[] {
    const { jobs, stretch } = audit
    if (job.number === jobs.input.number) {
      audit.input = encoded(stretch.before.activation, bytes)
      return [...this.unkeep(audit), ...this.proceed(audit, nowMs)]
    } else if (job.number === jobs.output.number) {
      audit.hasOutput = true
      const tensor = encoded(stretch.after.activation, bytes)
      const verdict = this.add(audit, stretch.peers, tensor)
      if (verdict === undefined && audit.isDisputed) this.dispute(audit)
      return verdict === undefined ? this.proceed(audit, nowMs) : this.over(audit, verdict)
    }
    return this.proceed(audit, nowMs)
  }

  private add(
    audit: Audit,
    peers: readonly PeerId[],
    tensor: EncodedActivation,
  ): Verdict | undefined {
    const { agree, isPlausible } = this.options
    const { input, stretch } = audit
    const isStep = input === undefined || isPlausible(input, tensor, stretch.layers.length)
    return audit.add({ peers, tensor }, agree, isStep)
  }

  /** Begins the next recomputation: the first as soon as its input is here, others when there is something to settle. */
  private proceed(audit: Audit, nowMs: number): CoreEffect[] {
    if (!audit.isDue) return []
    const { before } = audit.stretch
    const isFirst = !audit.isDisputed
    if (isFirst || this.budget.take(heldBytes(before), nowMs, DISPUTE_BURST_FACTOR))
      return this.recompute(audit)
    return this.over(audit, 'undecided')
  }

  /** Has the stretch computed by others, once more. */
  private recompute(audit: Audit): CoreEffect[] {
    const { input } = audit
    if (input === undefined || !audit.takeRecount())
      return this.over(audit, audit.isDisputed ? 'undecided' : 'alone')
    audit.isRunning = true
    const job = this.nextJob()
    this.byJob.set(job.number, audit)
    return [{ do: 'prepare', job, tensor: input }]
  }

  private over(audit: Audit, verdict: AuditEnd['verdict']): CoreEffect[] {
    this.audits.delete(audit)
    if (audit.recount !== undefined) this.abandoned.push(audit.recount)
    const jobs = [audit.jobs.input, audit.jobs.output].filter(({ number }) =>
      this.byJob.has(number),
    )
    for (const { number } of jobs) this.byJob.delete(number)
    const { request, stretch } = audit
    this.ends.push({ request, stretch, verdict })
    return [...this.unkeep(audit), ...jobs.map((job) => ({ do: 'cancel', job }) as const)]
  }

  private stemOf(audit: Audit, request: RequestId, activation: Activation, nowMs: number): Step {
    const { self } = this.options
    const { before, layers } = audit.stretch
    const recountMs = RECOUNT_MS + ((layers.length + 1) * heldBytes(before)) / PUSH_BYTES_PER_MS
    return {
      kind: 'step',
      request,
      requester: self,
      endsAtMs: Math.floor(nowMs + recountMs),
      era: 0,
      route: [],
      chain: [],
      plan: layers,
      activation,
      input: undefined,
      next: undefined,
      silent: [],
      barred: this.barred(request, nowMs),
      isPrivate: true,
      remainingMs: recountMs,
    }
  }

  /**
   * The tags of those who are to have no part in a request: whoever is barred, whose result is disputed, and in a
   * recomputation who had a say.
   */
  barred(request: RequestId, nowMs: number): number[] {
    const audit = this.byRecount.get(request)
    const disputed = [...this.audits].flatMap(({ isDisputed, stretch }) =>
      isDisputed ? stretch.peers : [],
    )
    // Of whoever is disputed a recomputation may have need.
    const own = audit === undefined ? disputed : audit.heard
    const tags = own.map((peer) => tagOf(draw(peer)))
    return [...new Set([...this.ledger.barred(nowMs), ...tags])].slice(-BARRED_MAX)
  }
}

function isOutput({ output }: Audit, { activation }: Step): boolean {
  if (output.place === 'inline' || activation.place === 'inline') return false
  return output.hash === activation.hash
}
