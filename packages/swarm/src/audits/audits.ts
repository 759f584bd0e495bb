import { type EncodedActivation, sha256 } from '@layerswarm/model'
import { draw } from '../draw.ts'
import { type CoreEffect, encoded, withdrawn } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import { BARRED_MAX, REQUEST_ID_BYTES } from '../limits.ts'
import { tagOf } from '../presence/near.ts'
import { heldBytes } from '../step.ts'
import type { Activation, PeerId, RequestId, Step, TensorHash } from '../wire/messages.ts'
import type { Agreement } from './agreement.ts'
import { Audit, type Stretch, type Verdict } from './audit.ts'
import type { Ledger } from './ledger.ts'
import {
  AUDITS_MAX,
  CHANCE_MIN,
  DISPUTE_BURST_FACTOR,
  DISPUTE_HOLD_MS,
  HOLD_MS,
  RECOUNT_MS,
} from './limits.ts'
import type { Plausibility } from './step-size.ts'

import { UplinkBudget } from './uplink-budget.ts'

/** Who audits, of which model. */
export interface AuditsOptions {
  readonly self: PeerId
  readonly agree: Agreement
  readonly isPlausible: Plausibility
  /** This member's uplink as measured, bytes per millisecond; undefined while it is not. */
  readonly uploadBytesPerMs: () => number | undefined
}

/** A tensor that is fetched before it is known what was made of it. */
interface Early {
  readonly request: RequestId
  readonly job: JobId
  bytes: Uint8Array | undefined
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
  private readonly seeds = new Map<RequestId, string>()
  /** Tensors that strangers were to go on from. */
  private readonly early = new Map<TensorHash, Early>()
  private readonly ends: AuditEnd[] = []
  private readonly disputed: PeerId[] = []
  private recounted = 0

  constructor(options: AuditsOptions, ledger: Ledger, nextJob: () => JobId) {
    this.options = options
    this.ledger = ledger
    this.nextJob = nextJob
    this.budget = new UplinkBudget(options.uploadBytesPerMs)
  }

  /** A request begins. @param seed random bytes, hex; undefined where nothing of it is to be audited. */
  begin(request: RequestId, seed: string | undefined): void {
    if (seed !== undefined) this.seeds.set(request, seed)
  }

  /** A request has ended; its audits go on. */
  end(request: RequestId): CoreEffect[] {
    this.seeds.delete(request)
    const effects: CoreEffect[] = []
    for (const [hash, early] of this.early) {
      if (early.request !== request) continue
      this.early.delete(hash)
      if (early.bytes === undefined) effects.push({ do: 'cancel', job: early.job })
    }
    return effects
  }

  /** Whether a request is a recomputation. */
  owns(request: RequestId): boolean {
    return this.byRecount.has(request)
  }

  /** A step names a stranger: what it will run on is fetched meanwhile, since that is audited for certain. */
  named({ request, activation, next }: Step): CoreEffect[] {
    if (next === undefined || next === this.options.self || !this.seeds.has(request)) return []
    if (activation.place === 'inline' || activation.holder === this.options.self) return []
    if (this.early.has(activation.hash) || !this.ledger.isStranger(next)) return []
    if (this.early.size >= AUDITS_MAX) return []
    const job = this.nextJob()
    this.early.set(activation.hash, { request, job, bytes: undefined })
    return [{ do: 'pull', job, tensor: activation, isAwaited: false }]
  }

  /** A request has come from one step to another: draws whether what is between them is computed again. */
  advanced(before: Step, after: Step, nowMs: number): CoreEffect[] {
    const stretch = stretchOf(before, after)
    const peers = stretch.peers.filter((peer) => peer !== this.options.self)
    if (peers.length === 0 || this.audits.size >= AUDITS_MAX) return []
    if (!this.seeds.has(after.request)) return []
    const chance = Math.max(...peers.map((peer) => this.chance(peer)))
    if (!this.isDrawn(after, chance)) return []
    if (!this.budget.take(heldBytes(before), nowMs)) return []
    const { ledger } = this
    const isAwaited = ledger.hasMetLiars && peers.some((peer) => ledger.isStranger(peer))
    const jobs = { input: this.nextJob(), output: this.nextJob(), result: this.nextJob() }
    const audit = new Audit(stretch, isAwaited, jobs, nowMs)
    this.audits.add(audit)
    const isPushed = after.next === this.options.self && after.activation.place === 'held'
    return [
      ...this.fetchInput(audit, nowMs),
      // A last output comes to be scored, and only once.
      ...(isPushed ? [] : this.fetch(audit, jobs.output, after.activation, nowMs)),
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

  /** A tensor is here, or cannot be had. */
  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    const audit = this.byJob.get(id.number)
    this.byJob.delete(id.number)
    if (audit === undefined) {
      for (const [hash, early] of this.early)
        if (early.job.number === id.number)
          if (bytes === undefined) this.early.delete(hash)
          else early.bytes = bytes
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
    const request = this.newRequest(audit)
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

  /** When the next hold ends that had not ended by `nowMs`, milliseconds. */
  holdEndsAtMs(nowMs: number): number {
    let at = Number.POSITIVE_INFINITY
    for (const audit of this.audits) {
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

  private isDrawn({ request, route, era }: Step, chance: number): boolean {
    if (chance >= 1) return true
    const seed = this.seeds.get(request) ?? ''
    const word = sha256(bytesOf(`${seed} ${era} ${route.length}`)).slice(0, 8)
    return Number.parseInt(word, 16) < chance * 2 ** 32
  }

  /** What a stretch began with: where a stranger was to run it, it is here or on its way. */
  private fetchInput(audit: Audit, nowMs: number): CoreEffect[] {
    const { activation } = audit.stretch.before
    const early = activation.place === 'held' ? this.early.get(activation.hash) : undefined
    if (activation.place === 'held') this.early.delete(activation.hash)
    if (early === undefined) return this.fetch(audit, audit.jobs.input, activation, nowMs)
    if (early.bytes !== undefined) return this.came(audit, audit.jobs.input, early.bytes, nowMs)
    audit.jobs.input = early.job
    this.byJob.set(early.job.number, audit)
    return []
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
    const jobs = [audit.jobs.input, audit.jobs.output].filter(({ number }) =>
      this.byJob.has(number),
    )
    for (const { number } of jobs) this.byJob.delete(number)
    const { request, stretch } = audit
    this.ends.push({ request, stretch, verdict })
    return jobs.map((job) => ({ do: 'cancel', job }) as const)
  }

  private newRequest({ stretch }: Audit): RequestId {
    const { request, route } = stretch.after
    const seed = this.seeds.get(request) ?? ''
    const text = `${seed} ${request} ${route.length} ${++this.recounted}`
    return sha256(bytesOf(text)).slice(0, 2 * REQUEST_ID_BYTES) as string as RequestId
  }

  private stemOf(audit: Audit, request: RequestId, activation: Activation, nowMs: number): Step {
    const { self } = this.options
    return {
      kind: 'step',
      request,
      requester: self,
      endsAtMs: Math.floor(nowMs + RECOUNT_MS),
      era: 0,
      route: [],
      chain: [],
      plan: audit.stretch.layers,
      activation,
      input: undefined,
      next: undefined,
      silent: [],
      barred: this.barred(request, nowMs),
      isPrivate: true,
      remainingMs: RECOUNT_MS,
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

/** Of ASCII. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (one) => one.charCodeAt(0))
}

/** What came between two steps of one route. */
function stretchOf(before: Step, after: Step): Stretch {
  const hops = after.route.slice(before.route.length)
  return {
    before,
    after,
    peers: [...new Set(hops.map(({ peer }) => peer))],
    layers: hops.map(({ layer }) => layer),
  }
}

function isOutput({ output }: Audit, { activation }: Step): boolean {
  if (output.place === 'inline' || activation.place === 'inline') return false
  return output.hash === activation.hash
}
