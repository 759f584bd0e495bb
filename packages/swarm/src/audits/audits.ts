import type { EncodedActivation } from '@layerswarm/model'
import { type CoreEffect, encoded, withdrawn } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import type { Activation, Hop, PeerId, RequestId, Step } from '../wire/messages.ts'
import { Audit, type AuditEnd } from './audit.ts'
import { barredFrom } from './barred.ts'
import { Budget, type BudgetOptions } from './budget.ts'
import { areHolding, nextEndMs } from './holds.ts'
import { type JudgingOptions, judgingOf } from './judging.ts'
import type { Ledger } from './ledger.ts'
import { AUDIT_MS_MAX, AUDITS_MAX, CHANCES_PEACE } from './limits.ts'
import { Lots } from './lots.ts'
import { AuditNews } from './news.ts'
import { type OwnRunInput, OwnRuns } from './own-runs.ts'
import { canBeginAt, isHeldBy, stemOf } from './recomputation.ts'
import { areOfOneRelease, hopsOf, type SameWeights } from './same-weights.ts'
import { heldHere, type Stretch, type SumRun, stretchesOf, stretchOfSum } from './stretch.ts'

/** Who audits, of which model. */
export interface AuditsOptions extends Omit<JudgingOptions, 'fileDistance'>, BudgetOptions {
  readonly weights: SameWeights
  /** Layers that this member hosts itself. */
  readonly hosted: ReadonlySet<number>
}

/**
 * Has what others computed for this member's requests computed again, by others still, and finds out who lies.
 *
 * 1. What is audited is drawn after the stretch was run, from a seed that nobody else ever knows.
 * 2. A recomputation is a request like any other, that begins where the stretch did: whoever runs it has the input
 *    from where it is already, and is not told what is expected.
 * 3. Nobody judges but this member: results of the same name agree; of others it compares the tensors itself, and
 *    believes what it made of the input itself (own-runs.ts), or those that agree, as audit.ts says.
 * 4. At most AUDITS_MAX are under way, within a share of the work that is done for this member and of its uplink.
 * 5. Whoever is being audited is hardly drawn again meanwhile, and answers that it had a part in wait for that.
 * 6. What was run with the weights of one release is run again with those; a stretch of several is not looked at.
 * 7. While one is under way nobody lets go of what its request left behind.
 */
export class Audits {
  private readonly options: AuditsOptions
  readonly news = new AuditNews()
  private readonly ledger: Ledger
  private readonly nextJob: () => JobId
  private readonly budget: Budget
  private readonly ownRuns: OwnRuns
  private readonly audits = new Set<Audit>()
  private readonly byJob = new Map<number, Audit>()
  private readonly byRecount = new Map<RequestId, Audit>()
  private readonly lots = new Lots()
  /** What ends a request whose audits are under way. */
  private readonly finishes = new Map<RequestId, CoreEffect>()

  constructor(options: AuditsOptions, ledger: Ledger, nextJob: () => JobId) {
    this.options = options
    this.ledger = ledger
    this.nextJob = nextJob
    this.budget = new Budget(options, ledger)
    this.ownRuns = new OwnRuns(options.hosted, nextJob, options.arithmetic)
  }

  /** A request begins. @param seed random bytes, hex; undefined where nothing of it is to be audited. */
  begin(request: RequestId, seed: string | undefined): void {
    if (seed !== undefined) this.lots.begin(request, seed)
  }

  /**
   * A request has ended; its audits go on.
   * @param finish lets everybody forget it: kept until they have ended where nothing is left to be done for it.
   */
  end(request: RequestId, finish: CoreEffect, isComplete: boolean): CoreEffect[] {
    this.lots.end(request)
    if (!isComplete || !this.isUnderWay(request)) return [finish]
    this.finishes.set(request, finish)
    return []
  }

  /** A request has ended whose audits need nothing of it. */
  over(request: RequestId): void {
    this.lots.end(request)
  }

  /** Whether a request is a recomputation. */
  owns(request: RequestId): boolean {
    return this.byRecount.has(request)
  }

  /** A request has come from one step to another: draws which visits between them are computed again. */
  advanced(before: Step, after: Step, nowMs: number): CoreEffect[] {
    if (!this.lots.has(after.request)) return []
    return stretchesOf(before, after).flatMap((stretch) => this.draw(stretch, nowMs))
  }

  /**
   * An executor has sent the sum of what it ran: draws whether its layers are run again on the same input.
   * @param isDoubted its size says that it is none of so many layers: then they are for certain.
   */
  summed(sum: SumRun, isDoubted: boolean, nowMs: number): CoreEffect[] {
    if (!this.lots.has(sum.request)) return []
    return this.draw(stretchOfSum(sum), nowMs, isDoubted)
  }

  private draw(stretch: Stretch, nowMs: number, isDoubted = false): CoreEffect[] {
    const { self } = this.options
    const { ledger } = this
    const { before, after, layers } = stretch
    const peers = stretch.peers.filter((peer) => peer !== self)
    if (peers.length === 0 || !areOfOneRelease(hopsOf(stretch))) return []
    this.budget.earned(layers.length)
    if (this.audits.size >= AUDITS_MAX || !canBeginAt(before, self)) return []
    const chance = isDoubted ? 1 : Math.max(...peers.map((peer) => this.chance(peer, nowMs)))
    const need = isDoubted ? 'urgent' : undefined
    if (!this.lots.isDrawn(after, chance) || !this.budget.take(stretch, nowMs, need)) return []
    const isAwaited = ledger.isAlert(nowMs) && peers.some((peer) => ledger.isDoubtful(peer, nowMs))
    const fileDistance = this.options.weights.fileDistance(stretch)
    const judging = judgingOf(stretch, { ...this.options, fileDistance })
    const audit = new Audit(stretch, judging, isAwaited, nowMs)
    const { activation } = after
    if (activation.place === 'inline') audit.outputCame(encoded(activation, activation.bytes))
    if (audit.isAtOnce) audit.secret = this.lots.secretAfter(after)
    this.audits.add(audit)
    audit.kept = heldHere(stretch, self)
    return [...this.keep(audit), ...this.recompute(audit, nowMs)]
  }

  /** A tensor has come to be scored. */
  scored(step: Step, bytes: Uint8Array): void {
    for (const audit of this.audits)
      if (audit.request === step.request && audit.isOutput(step.activation))
        audit.outputCame(encoded(step.activation, bytes))
  }

  /** Audits that have taken too long, whatever they wait for. */
  onTime(nowMs: number): CoreEffect[] {
    return [...this.audits]
      .filter(({ sinceMs }) => nowMs >= sinceMs + AUDIT_MS_MAX)
      .flatMap((audit) => this.settle(audit, 'unavailable'))
  }

  /** A tensor is here, or cannot be had. */
  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    const audit = this.byJob.get(id.number)
    this.byJob.delete(id.number)
    if (audit === undefined) return []
    const { jobs, stretch } = audit
    if (id.number === jobs.input?.number) {
      if (bytes !== undefined) audit.input = encoded(stretch.before.activation, bytes)
      if (!audit.isToSend) return this.proceed(audit, nowMs)
      // Others may have a way to it all the same.
      return audit.input === undefined
        ? this.ask(audit, stretch.before, nowMs)
        : this.offer(audit, audit.input, nowMs)
    }
    // Whoever signed the name of a tensor and has none to show is judged by the name, where others come to the same name.
    if (bytes === undefined) {
      if (audit.hasOutput) return []
      if (!audit.isExact) return this.settle(audit, 'unavailable')
      audit.loseOutput()
      return this.proceed(audit, nowMs)
    }
    audit.outputCame(encoded(stretch.after.activation, bytes))
    return this.proceed(audit, nowMs)
  }

  /** Whether the name of a recomputation's result says enough. */
  isSettledBy({ request, activation }: Step): boolean {
    const audit = this.byRecount.get(request)
    return activation.place === 'held' && audit?.isSame(activation.hash) === true
  }

  /** A recomputation has ended with this tensor. @param bytes undefined where its name says enough. */
  recomputed(
    { request, route, activation }: Step,
    bytes: Uint8Array | undefined,
    nowMs: number,
  ): CoreEffect[] {
    const audit = this.takeRecount(request)
    if (audit === undefined) return []
    const hops = route.slice(-audit.stretch.layers.length)
    const peers = [...new Set(hops.map(({ peer }) => peer))]
    if (!this.options.weights.areOf(audit.stretch, hops))
      return this.tryAgain(audit, peers[0], nowMs)
    audit.isExact &&= hops.every(({ backend }) => backend === audit.backend)
    audit.add(peers, activation, bytes && encoded(activation, bytes))
    return [recomputed(audit, hops.length), ...this.proceed(audit, nowMs)]
  }

  /** A sum was made again. @param hops by whom; @param output their input with it added. */
  recounted(
    request: RequestId,
    hops: readonly Hop[],
    output: EncodedActivation,
    nowMs: number,
  ): CoreEffect[] {
    const audit = this.takeRecount(request)
    if (audit === undefined) return []
    const { layers, after } = audit.stretch
    const peers = [...new Set(hops.map(({ peer }) => peer))]
    if (!this.options.weights.areOf(audit.stretch, hops))
      return this.tryAgain(audit, peers[0], nowMs)
    // The bytes are compared in any case, as layers of a round have no order among them.
    audit.isExact = false
    const { dtype, batch, tokens, width } = after.activation
    audit.add(peers, { place: 'inline', dtype, batch, tokens, width, bytes: output.bytes }, output)
    return [recomputed(audit, layers.length), ...this.proceed(audit, nowMs)]
  }

  /** A recomputation came to nothing: it is tried again. @param by who was to run it last, if anybody. */
  failed(request: RequestId, by: PeerId | undefined, nowMs: number): CoreEffect[] {
    const audit = this.takeRecount(request)
    return audit === undefined ? [] : this.tryAgain(audit, by, nowMs)
  }

  private tryAgain(audit: Audit, by: PeerId | undefined, nowMs: number): CoreEffect[] {
    audit.failed(by)
    return this.recompute(audit, nowMs)
  }

  private takeRecount(request: RequestId): Audit | undefined {
    const audit = this.byRecount.get(request)
    this.byRecount.delete(request)
    if (audit === undefined) return undefined
    audit.recount = undefined
    audit.isRunning = false
    return audit
  }

  /** Whether an answer waits for what was drawn of its request, or of those who had a part in it. */
  holds(step: Pick<Step, 'request' | 'route'>, nowMs: number): boolean {
    return areHolding(this.audits, step, nowMs)
  }

  /** When `onTime` is due next, or a hold ends that had not ended by `nowMs`, milliseconds. */
  wakeAtMs(nowMs: number): number {
    return nextEndMs(this.audits, nowMs)
  }

  /** Of whoever is being audited already much is known soon. */
  private chance(peer: PeerId, nowMs: number): number {
    for (const { stretch } of this.audits)
      if (stretch.peers.includes(peer)) return CHANCES_PEACE.least
    return this.ledger.chance(peer, nowMs)
  }

  private isUnderWay(request: RequestId): boolean {
    for (const audit of this.audits) if (audit.request === request) return true
    return false
  }

  /** A result, or what it is to be compared with, is here. */
  private proceed(audit: Audit, nowMs: number): CoreEffect[] {
    const verdict = audit.verdict
    if (verdict !== undefined) return this.settle(audit, verdict)
    if (audit.isRunning) return []
    if (audit.needsOutput) return audit.jobs.output === undefined ? this.fetchOutput(audit) : []
    if (!audit.isDisputed) return []
    if (!audit.isInputAsked) return [...this.dispute(audit, nowMs)]
    const isFetching = audit.jobs.input !== undefined && this.byJob.has(audit.jobs.input.number)
    if (isFetching) return []
    const isOwn = this.options.weights.isOwn(audit.stretch)
    if (isOwn && audit.input !== undefined && this.ownRuns.takes(audit))
      return this.ownRuns.begin(audit, audit.input)
    return this.budget.take(audit.stretch, nowMs, 'urgent')
      ? this.recompute(audit, nowMs)
      : this.settle(audit, audit.lastVerdict ?? 'undecided')
  }

  /** A layer was loaded to settle a dispute, or has run for one. */
  onOwnRun(input: OwnRunInput, nowMs: number): CoreEffect[] {
    const effects: CoreEffect[] = this.ownRuns.on(input)
    for (const { audit, verdict } of this.ownRuns.takeEnds())
      effects.push(...(verdict ? this.settle(audit, verdict) : this.proceed(audit, nowMs)))
    return effects
  }

  /** Two results differ: what went into them is looked at as well, and a third decides. */
  private dispute(audit: Audit, nowMs: number): CoreEffect[] {
    const { activation } = audit.stretch.before
    audit.isInputAsked = true
    this.news.disputed.push(...audit.stretch.peers.filter((peer) => peer !== this.options.self))
    if (activation.place === 'inline') {
      audit.input = encoded(activation, activation.bytes)
      return this.proceed(audit, nowMs)
    }
    audit.jobs.input = this.nextJob()
    return this.pull(audit, audit.jobs.input, activation)
  }

  private fetchOutput(audit: Audit): CoreEffect[] {
    audit.jobs.output = this.nextJob()
    return this.pull(audit, audit.jobs.output, audit.output)
  }

  private pull(audit: Audit, job: JobId, tensor: Activation): CoreEffect[] {
    if (tensor.place === 'inline') return []
    this.byJob.set(job.number, audit)
    return [{ do: 'pull', job, tensor, isAwaited: false }]
  }

  /** Has the stretch computed by others, once more. */
  private recompute(audit: Audit, nowMs: number): CoreEffect[] {
    if (!audit.takeRecount())
      return this.settle(audit, audit.lastVerdict ?? (audit.isDisputed ? 'undecided' : 'alone'))
    audit.isRunning = true
    const { before } = audit.stretch
    if (!audit.hasFailed) return this.ask(audit, before, nowMs)
    if (!isHeldBy(this.options.self, before)) return this.send(audit, nowMs)
    return this.budget.takeOwn(audit.stretch, nowMs)
      ? this.ask(audit, before, nowMs)
      : this.settle(audit, 'unavailable')
  }

  /** Whoever was to run it had no way to the input: it is fetched, and sent from here. */
  private send(audit: Audit, nowMs: number): CoreEffect[] {
    const { activation } = audit.stretch.before
    if (audit.input !== undefined) return this.offer(audit, audit.input, nowMs)
    if (audit.isInputAsked || activation.place === 'inline')
      return this.ask(audit, audit.stretch.before, nowMs)
    audit.isInputAsked = true
    audit.isToSend = true
    audit.jobs.input = this.nextJob()
    return this.pull(audit, audit.jobs.input, activation)
  }

  private offer(audit: Audit, tensor: EncodedActivation, nowMs: number): CoreEffect[] {
    audit.isToSend = false
    if (!this.budget.takeBytes(tensor.bytes.length, nowMs)) return this.settle(audit, 'unavailable')
    const job = this.nextJob()
    audit.jobs.sent = job
    this.byJob.set(job.number, audit)
    return [{ do: 'prepare', job, tensor }]
  }

  /** The input can be had from here. */
  onPrepared(id: JobId, activation: Activation | undefined, nowMs: number): CoreEffect[] {
    const audit = this.byJob.get(id.number)
    this.byJob.delete(id.number)
    if (audit === undefined) return withdrawn(activation)
    if (activation === undefined) return this.settle(audit, 'unavailable')
    return this.ask(audit, { ...audit.stretch.before, route: [], activation }, nowMs)
  }

  private ask(audit: Audit, from: Step, nowMs: number): CoreEffect[] {
    const { layers, atOnce, after, before } = audit.stretch
    const request =
      atOnce === undefined ? this.lots.nameAfter(after) : this.lots.nameBy(audit.secret)
    audit.recount = request
    this.byRecount.set(request, audit)
    if (atOnce !== undefined) {
      const { activation } = before
      const bytes = activation.place === 'inline' ? activation.bytes : new Uint8Array(0)
      const input = encoded(activation, bytes)
      const isUrgent = audit.isDisputed || this.ledger.isAlert(nowMs)
      this.news.recounts.push({ request, layers, input, activation: atOnce, isUrgent })
      return this.keep(audit)
    }
    const barred = this.barred(request, nowMs)
    const { self } = this.options
    this.news.stems.push(stemOf({ self, request, from, layers, barred }, nowMs))
    // Withdrawn when the recomputation ends, as the first tensor of any request.
    return from === before ? this.keep(audit) : []
  }

  private keep({ kept }: Audit): CoreEffect[] {
    return kept === undefined ? [] : [{ do: 'keep', hash: kept }]
  }

  private settle(audit: Audit, verdict: AuditEnd['verdict']): CoreEffect[] {
    this.audits.delete(audit)
    if (audit.recount !== undefined) this.news.abandoned.push(audit.recount)
    const { input, output, sent } = audit.jobs
    if (sent !== undefined) this.byJob.delete(sent.number)
    const jobs = [input, output].filter(
      (job) => job !== undefined && this.byJob.delete(job.number),
    ) as JobId[]
    const { request, stretch } = audit
    this.news.ends.push({ request, stretch, verdict })
    const finish = this.isUnderWay(request) ? undefined : this.finishes.get(request)
    if (finish !== undefined) this.finishes.delete(request)
    return [
      ...this.ownRuns.drop(audit),
      ...jobs.map((job) => ({ do: 'cancel', job }) as const),
      ...(audit.kept === undefined ? [] : [{ do: 'withdraw', hash: audit.kept } as const]),
      ...(finish === undefined ? [] : [finish]),
    ]
  }

  /**
   * The tags of those who are to have no part in a request: whoever is barred, whose result is disputed, and in a
   * recomputation who had a say.
   */
  barred(request: RequestId, nowMs: number): number[] {
    return barredFrom(this.byRecount.get(request), this.audits, this.options, this.ledger, nowMs)
  }
}

function recomputed({ request }: Audit, layers: number): CoreEffect {
  return { do: 'report', event: { type: 'recomputed', request, layers } }
}
