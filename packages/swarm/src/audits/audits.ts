import { type EncodedActivation, sha256 } from '@layerswarm/model'
import { withOwnLink } from '../chain/own-link.ts'
import { draw } from '../draw.ts'
import { type CoreEffect, encoded, withdrawn } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import { BARRED_MAX, REQUEST_ID_BYTES } from '../limits.ts'
import { tagOf } from '../presence/near.ts'
import { isComplete } from '../step.ts'
import type { Activation, PeerId, RequestId, Step, TensorHash } from '../wire/messages.ts'
import type { Agreement } from './agreement.ts'
import { Audit, type Stretch, type Verdict } from './audit.ts'
import type { Ledger } from './ledger.ts'
import { AUDITS_MAX, RECOUNT_MS } from './limits.ts'

/** Who audits, of which model. */
export interface AuditsOptions {
  readonly self: PeerId
  /** Layers of the model. */
  readonly layers: number
  readonly agree: Agreement
}

/** What came of an audit, for the request whose stretch it was. */
export interface AuditEnd {
  readonly request: RequestId
  readonly stretch: Stretch
  /** Undefined where it came to nothing. */
  readonly verdict: Verdict | undefined
}

/**
 * Has what others computed for this member's requests computed again, by others still, and finds out who lies.
 *
 * 1. What is audited is drawn after the stretch was run, from a seed that nobody else knows until the answer.
 * 2. A recomputation is a request like any other: whoever runs it is not told that it is one, nor what is expected.
 * 3. Nobody judges but this member: it compares the tensors itself, and believes two that agree.
 * 4. At most AUDITS_MAX are under way; what they hold is let go when they end.
 */
export class Audits {
  private readonly options: AuditsOptions
  private readonly ledger: Ledger
  private readonly nextJob: () => JobId
  private readonly audits = new Set<Audit>()
  private readonly byJob = new Map<number, Audit>()
  private readonly byRecount = new Map<RequestId, Audit>()
  private readonly seeds = new Map<RequestId, string>()
  private readonly ends: AuditEnd[] = []
  private named = 0
  private lookedAtMs = 0

  constructor(options: AuditsOptions, ledger: Ledger, nextJob: () => JobId) {
    this.options = options
    this.ledger = ledger
    this.nextJob = nextJob
  }

  /** A request begins. @param seed random bytes, hex; undefined where nothing of it is to be audited. */
  begin(request: RequestId, seed: string | undefined): void {
    if (seed !== undefined) this.seeds.set(request, seed)
  }

  /** A request has ended; its audits go on. */
  end(request: RequestId): void {
    this.seeds.delete(request)
  }

  /** Whether a request is a recomputation. */
  owns(request: RequestId): boolean {
    return this.byRecount.has(request)
  }

  /** A request has come from one step to another: draws whether what is between them is computed again. */
  advanced(before: Step, after: Step, nowMs: number): CoreEffect[] {
    const stretch = stretchOf(before, after)
    const peers = stretch.peers.filter((peer) => peer !== this.options.self)
    if (peers.length === 0 || this.audits.size >= AUDITS_MAX) return []
    if (!this.seeds.has(after.request)) return []
    const chance = Math.max(...peers.map((peer) => this.ledger.chance(peer)))
    if (!this.isDrawn(after, chance)) return []
    const isAwaited = peers.some((peer) => this.ledger.isAwaited(peer))
    const jobs = { input: this.nextJob(), output: this.nextJob(), result: this.nextJob() }
    const audit = new Audit(stretch, isAwaited, jobs, nowMs)
    this.audits.add(audit)
    const isPushed = after.next === this.options.self
    return [
      ...this.fetch(audit, jobs.input, before.activation, nowMs),
      // A last output comes to be scored, and only once.
      ...(isPushed ? [] : this.fetch(audit, jobs.output, after.activation, nowMs)),
    ]
  }

  /** A tensor has come to be scored. */
  scored(step: Step, bytes: Uint8Array, nowMs: number): CoreEffect[] {
    return [...this.audits].flatMap((audit) =>
      !audit.isDisputed && audit.stretch.after.request === step.request && isOutput(audit, step)
        ? this.came(audit, audit.jobs.output, bytes, nowMs)
        : [],
    )
  }

  /** A tensor is here, or cannot be had. */
  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    const audit = this.byJob.get(id.number)
    this.byJob.delete(id.number)
    if (audit === undefined) return []
    return bytes === undefined ? this.over(audit, undefined) : this.came(audit, id, bytes, nowMs)
  }

  /** The input can be had from here. */
  onPrepared(id: JobId, activation: Activation | undefined, nowMs: number): CoreEffect[] {
    const audit = this.byJob.get(id.number)
    this.byJob.delete(id.number)
    if (audit === undefined) return withdrawn(activation)
    if (activation === undefined) return this.over(audit, undefined)
    const request = this.newRequest(audit)
    const stem = this.stemOf(audit, request, activation, nowMs)
    audit.recount = { request, stem, untilMs: nowMs + RECOUNT_MS, last: undefined }
    this.byRecount.set(request, audit)
    return [{ do: 'lead', step: stem, suspect: undefined }]
  }

  /** A step of a recomputation. */
  onStep(step: Step, nowMs: number): CoreEffect[] {
    const audit = this.byRecount.get(step.request)
    const recount = audit?.recount
    if (audit === undefined || recount === undefined || recount.last !== undefined) return []
    if (step.requester !== this.options.self || !isComplete(step, this.options.layers)) return []
    recount.last = step
    return this.fetch(audit, audit.jobs.result, step.activation, nowMs, step.next)
  }

  /** Whether an answer waits for what was drawn of its request. */
  holds(request: RequestId, nowMs: number): boolean {
    for (const audit of this.audits)
      if (audit.request === request && nowMs < audit.holdsUntilMs) return true
    return false
  }

  onTime(nowMs: number): CoreEffect[] {
    this.lookedAtMs = nowMs
    return [...this.audits].flatMap((audit) => {
      if (audit.recount === undefined || nowMs < audit.recount.untilMs) return []
      return [...this.endRecount(audit), ...this.recompute(audit)]
    })
  }

  /** When `onTime` is due next, or a hold ends. */
  wakeAtMs(): number {
    let at = Number.POSITIVE_INFINITY
    for (const { recount, holdsUntilMs } of this.audits) {
      if (recount !== undefined) at = Math.min(at, recount.untilMs)
      if (holdsUntilMs > this.lookedAtMs) at = Math.min(at, holdsUntilMs)
    }
    return at
  }

  /** Audits that have ended since this was asked last. */
  takeEnds(): AuditEnd[] {
    return this.ends.splice(0)
  }

  private isDrawn({ request, route, era }: Step, chance: number): boolean {
    if (chance >= 1) return true
    const seed = this.seeds.get(request) ?? ''
    const word = sha256(bytesOf(`${seed} ${era} ${route.length}`)).slice(0, 8)
    return Number.parseInt(word, 16) < chance * 2 ** 32
  }

  private fetch(
    audit: Audit,
    job: JobId,
    activation: Activation,
    nowMs: number,
    next?: PeerId,
  ): CoreEffect[] {
    if (activation.place === 'inline') return this.came(audit, job, activation.bytes, nowMs)
    this.byJob.set(job.number, audit)
    return [{ do: 'pull', job, tensor: activation, isAwaited: next === this.options.self }]
  }

  private came(audit: Audit, job: JobId, bytes: Uint8Array, nowMs: number): CoreEffect[] {
    const { jobs, stretch, recount } = audit
    const { agree } = this.options
    if (job.number === jobs.input.number) {
      audit.input = encoded(stretch.before.activation, bytes)
    } else if (job.number === jobs.output.number) {
      audit.add({ peers: stretch.peers, tensor: encoded(stretch.after.activation, bytes) }, agree)
    } else if (recount?.last !== undefined) {
      const { route, activation } = recount.last
      const peers = [...new Set(route.map(({ peer }) => peer))]
      const layers = route.length
      const ended: CoreEffect[] = [
        ...this.endRecount(audit),
        { do: 'report', event: { type: 'recomputed', request: audit.request, layers } },
      ]
      const verdict = audit.add({ peers, tensor: encoded(activation, bytes) }, agree)
      if (verdict !== undefined) return [...ended, ...this.over(audit, verdict)]
      return [...ended, ...this.recompute(audit)]
    }
    return audit.isReady && audit.recount === undefined ? this.recompute(audit) : []
  }

  /** Has the stretch computed by others, once more. */
  private recompute(audit: Audit): CoreEffect[] {
    const { input } = audit
    if (input === undefined || !audit.takeRecount()) return this.over(audit, undefined)
    const job = this.nextJob()
    this.byJob.set(job.number, audit)
    return [{ do: 'prepare', job, tensor: input }]
  }

  private endRecount(audit: Audit): CoreEffect[] {
    const { recount } = audit
    if (recount === undefined) return []
    audit.recount = undefined
    this.byRecount.delete(recount.request)
    const { last, stem } = recount
    this.byJob.delete(audit.jobs.result.number)
    return [
      { do: 'cancel', job: audit.jobs.result },
      { do: 'finish', step: last ?? stem, isPublic: false },
      ...withdrawn(stem.activation),
    ]
  }

  private over(audit: Audit, verdict: Verdict | undefined): CoreEffect[] {
    this.audits.delete(audit)
    const jobs = [audit.jobs.input, audit.jobs.output].filter(({ number }) =>
      this.byJob.has(number),
    )
    for (const { number } of jobs) this.byJob.delete(number)
    const { request, stretch } = audit
    this.ends.push({ request, stretch, verdict })
    return [...jobs.map((job) => ({ do: 'cancel', job }) as const), ...this.endRecount(audit)]
  }

  private newRequest({ stretch }: Audit): RequestId {
    const { request, route } = stretch.after
    const seed = this.seeds.get(request) ?? ''
    const text = `${seed} ${request} ${route.length} ${++this.named}`
    return sha256(bytesOf(text)).slice(0, 2 * REQUEST_ID_BYTES) as string as RequestId
  }

  private stemOf(audit: Audit, request: RequestId, activation: Activation, nowMs: number): Step {
    const { self } = this.options
    const own = audit.heard.map((peer) => tagOf(draw(peer)))
    return withOwnLink(
      {
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
        barred: [...this.ledger.barred(nowMs), ...own].slice(-BARRED_MAX),
        remainingMs: RECOUNT_MS,
      },
      self,
    )
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
