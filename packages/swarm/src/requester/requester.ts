import { softmax, tensor } from '@layerswarm/model'
import { ResponseTime } from '../claims/response-time.ts'
import {
  type Answer,
  type ClassifyPolicy,
  type Effect,
  encoded,
  type FailureFault,
} from '../effects.ts'
import {
  ANSWER_RESERVE_MS,
  ANSWER_RESERVE_PULL_MS,
  ERAS_MAX,
  FIRST_PROVIDER_MS,
  NO_HOST_GRACE_MS,
  STALL_MS,
  STALL_MS_MAX,
} from '../limits.ts'
import type { HeadOutcome } from '../ports.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import {
  isComplete,
  isUnchanged,
  type ModelShape,
  openLayers,
  sameStep,
  supersedes,
} from '../step.ts'
import type { Activation, Claim, PeerId, RequestId, Step, TensorHash } from '../wire/messages.ts'

export interface RequesterOptions {
  readonly self: PeerId
  readonly shape: ModelShape
}

/** Scores that the head gave after some hop. */
interface Scores {
  readonly step: Step
  readonly logits: readonly (readonly number[])[]
  readonly probabilities: readonly (readonly number[])[]
}

interface HeadJob {
  readonly id: number
  readonly step: Step
  readonly phase: 'pulling' | 'running'
}

/** A request on its way. */
interface Pending {
  readonly policy: ClassifyPolicy
  readonly stem: Step
  readonly startedMs: number
  readonly deadlineMs: number
  best: Step
  previous: Step | undefined
  movedAtMs: number
  reoffers: number
  uncoveredSinceMs: number | undefined
  head: HeadJob | undefined
  /** The newest tensor on its way here, to be offered from here. */
  relay: { readonly id: number; readonly step: Step } | undefined
  /** Tensors of others that are offered from here. */
  readonly relayed: TensorHash[]
  /** Final outputs in a row that could not be had. */
  headsLost: number
  scores: Scores | undefined
  /** Why no further hop is waited for. */
  closing: 'complete' | 'confident' | 'uncovered' | 'deadline' | undefined
}

/** So often the last layer is tried again before the answer goes without it. */
const HEADS_LOST_MAX = 2

const NEVER = Number.POSITIVE_INFINITY

/**
 * Asks for answers: offers the stem's output, watches the steps, answers when its policy is met.
 *
 * 1. Every request ends in exactly one answer or one failure, at its deadline at the latest.
 * 2. An answer names exactly the layers whose output its scores were computed from.
 * 3. A request that stands still is offered again; when tensors were lost, from an older step.
 */
export class Requester {
  private readonly options: RequesterOptions
  private readonly table: PeerTable
  private readonly nextJob: () => number
  private readonly pending = new Map<RequestId, Pending>()
  private readonly byJob = new Map<number, RequestId>()
  private readonly pace = new ResponseTime()

  constructor(options: RequesterOptions, table: PeerTable, nextJob: () => number) {
    this.options = options
    this.table = table
    this.nextJob = nextJob
  }

  get inFlight(): number {
    return this.pending.size
  }

  classify(
    request: RequestId,
    activation: Activation,
    policy: ClassifyPolicy,
    nowMs: number,
  ): Effect[] {
    const { self } = this.options
    const stem: Step = {
      kind: 'step',
      request,
      requester: self,
      era: 0,
      route: [],
      plan: policy.plan,
      activation,
      remainingMs: policy.deadlineMs,
    }
    const wanted: Pending = {
      policy,
      stem,
      startedMs: nowMs,
      deadlineMs: nowMs + policy.deadlineMs,
      best: stem,
      previous: undefined,
      movedAtMs: nowMs,
      reoffers: 0,
      uncoveredSinceMs: undefined,
      head: undefined,
      relay: undefined,
      relayed: [],
      headsLost: 0,
      scores: undefined,
      closing: undefined,
    }
    this.pending.set(request, wanted)
    this.judgeCoverage(wanted, nowMs)
    return [{ do: 'publish', message: stem }]
  }

  cancel(request: RequestId): Effect[] {
    const wanted = this.pending.get(request)
    return wanted === undefined ? [] : this.fail(wanted, { code: 'cancelled' })
  }

  onStep(step: Step, nowMs: number): Effect[] {
    const wanted = this.pending.get(step.request)
    if (wanted === undefined || wanted.closing !== undefined) return []
    const { best } = wanted
    if (sameStep(step, best) || !supersedes(step, best) || isUnchanged(step, best)) return []
    wanted.previous =
      step.era === best.era && step.route.length === best.route.length + 1 ? best : undefined
    wanted.best = step
    // A step that had to be asked for twice says nothing of the lane's usual pace.
    if (wanted.reoffers === 0 && nowMs > wanted.movedAtMs)
      this.pace.observe(nowMs - wanted.movedAtMs)
    wanted.movedAtMs = nowMs
    wanted.reoffers = 0
    wanted.uncoveredSinceMs = undefined
    this.judgeCoverage(wanted, nowMs)
    const effects: Effect[] = [this.progress(wanted)]
    if (isComplete(step, this.options.shape.layers))
      return effects.concat(this.closeUp(wanted, 'complete', nowMs))
    const wantsScores = wanted.policy.anytime || wanted.policy.stopAtConfidence !== undefined
    if (wantsScores && wanted.head === undefined) effects.push(...this.score(wanted))
    return effects
  }

  /** Peers came, went or changed their layers. */
  onCoverage(nowMs: number): void {
    for (const wanted of this.pending.values()) this.judgeCoverage(wanted, nowMs)
  }

  onClaim(_from: PeerId, claim: Claim, nowMs: number): Effect[] {
    const wanted = this.pending.get(claim.request)
    if (wanted === undefined || claim.ttlMs === 0 || claim.hop !== wanted.best.route.length)
      return []
    // Someone works on it: a stall is judged from the end of the claim.
    wanted.movedAtMs = Math.max(
      wanted.movedAtMs,
      Math.min(nowMs + claim.ttlMs, wanted.deadlineMs) - this.stallMs(),
    )
    return []
  }

  onPulled(job: number, bytes: Uint8Array | undefined, nowMs: number): Effect[] | undefined {
    const wanted = this.wantedBy(job)
    if (wanted?.relay?.id === job) return this.onRelayPulled(wanted, bytes)
    if (wanted?.head === undefined) return undefined
    const { step } = wanted.head
    if (bytes !== undefined) {
      wanted.head = { id: job, step, phase: 'running' }
      return [{ do: 'run-head', job, input: encoded(step.activation, bytes) }]
    }
    this.forgetHead(wanted)
    return this.headLost(wanted, nowMs)
  }

  private onRelayPulled(wanted: Pending, bytes: Uint8Array | undefined): Effect[] {
    const { relay } = wanted
    if (relay === undefined) return []
    if (bytes === undefined) {
      this.forgetRelay(wanted)
      return []
    }
    const tensor = encoded(relay.step.activation, bytes)
    return [{ do: 'prepare', job: relay.id, tensor }]
  }

  /** A tensor of somebody else can be offered from here. */
  onPrepared(job: number, activation: Activation | undefined, nowMs: number): Effect[] {
    const wanted = this.wantedBy(job)
    const step = wanted?.relay?.step
    if (wanted === undefined || step === undefined) return withdrawn(activation)
    this.forgetRelay(wanted)
    if (activation === undefined) return []
    if (wanted.closing !== undefined || !sameStep(step, wanted.best)) return withdrawn(activation)
    if (activation.place === 'held') wanted.relayed.push(activation.hash)
    wanted.best = { ...wanted.best, activation }
    return [{ do: 'publish', message: { ...wanted.best, remainingMs: wanted.deadlineMs - nowMs } }]
  }

  onHeadRun(job: number, outcome: HeadOutcome, nowMs: number): Effect[] {
    const wanted = this.wantedBy(job)
    if (wanted?.head === undefined) return []
    const { step } = wanted.head
    this.forgetHead(wanted)
    if ('failure' in outcome) return this.headLost(wanted, nowMs)
    wanted.scores = {
      step,
      logits: outcome.logits,
      probabilities: outcome.logits.map(probabilitiesOf),
    }
    if (wanted.closing !== undefined) {
      return sameStep(step, wanted.best) ? this.answer(wanted, nowMs) : this.score(wanted)
    }
    const effects: Effect[] = [this.progress(wanted)]
    if (this.isConfident(wanted)) {
      wanted.best = step
      return effects.concat(this.closeUp(wanted, 'confident', nowMs))
    }
    if (!sameStep(step, wanted.best)) effects.push(...this.score(wanted))
    return effects
  }

  onTime(nowMs: number): Effect[] {
    const effects: Effect[] = []
    for (const wanted of this.pending.values()) effects.push(...this.watch(wanted, nowMs))
    return effects
  }

  wakeAtMs(): number {
    let at = NEVER
    for (const wanted of this.pending.values()) {
      const { deadlineMs, movedAtMs, uncoveredSinceMs, closing } = wanted
      at = Math.min(at, closing === undefined ? deadlineMs - reserveMs(wanted) : deadlineMs)
      if (closing !== undefined) continue
      at = Math.min(at, movedAtMs + this.stallMs())
      if (uncoveredSinceMs !== undefined) at = Math.min(at, uncoveredSinceMs + graceMs(wanted))
    }
    return at
  }

  /** After this long without a sign of work the newest step is offered again. */
  private stallMs(): number {
    return this.pace.patienceMs(STALL_MS, STALL_MS_MAX)
  }

  /** Looks at a request that no message has moved. */
  private watch(wanted: Pending, nowMs: number): Effect[] {
    if (nowMs >= wanted.deadlineMs) return this.answerWithLastScores(wanted, nowMs)
    if (wanted.closing !== undefined) return []
    if (nowMs >= wanted.deadlineMs - reserveMs(wanted))
      return this.closeUp(wanted, 'deadline', nowMs)
    const { uncoveredSinceMs } = wanted
    if (uncoveredSinceMs !== undefined && nowMs >= uncoveredSinceMs + graceMs(wanted))
      return this.closeUp(wanted, 'uncovered', nowMs)
    return nowMs >= wanted.movedAtMs + this.stallMs() ? this.offerAgain(wanted, nowMs) : []
  }

  private judgeCoverage(wanted: Pending, nowMs: number): void {
    if (this.covered(wanted)) wanted.uncoveredSinceMs = undefined
    else wanted.uncoveredSinceMs ??= nowMs
  }

  /** Whether someone alive hosts a layer that may come next. */
  private covered(wanted: Pending): boolean {
    const open = openLayers(wanted.best, this.options.shape.layers)
    for (const { presence } of this.table.all())
      if (presence.layers.some((layer) => open[layer])) return true
    return false
  }

  private offerAgain(wanted: Pending, nowMs: number): Effect[] {
    wanted.movedAtMs = nowMs
    wanted.reoffers++
    const { best, previous, stem } = wanted
    // Asking again was not enough: a step that others know and this peer missed, or a tensor that died
    // with its holder, blocks the way. A new era makes the lane forget it.
    if (wanted.reoffers > 1 && best.era < ERAS_MAX) {
      const from = best.activation.place === 'inline' ? best : (previous ?? stem)
      wanted.best = { ...from, era: best.era + 1 }
      wanted.previous = undefined
      wanted.reoffers = 0
    }
    const message: Step = { ...wanted.best, remainingMs: wanted.deadlineMs - nowMs }
    return [{ do: 'publish', message }, ...this.fetch(wanted)]
  }

  /** Whoever could go on may have no way to the author: the newest tensor is offered from here as well. */
  private fetch(wanted: Pending): Effect[] {
    const { best, relay } = wanted
    const { activation } = best
    if (relay !== undefined || activation.place === 'inline') return []
    if (activation.holder === this.options.self) return []
    const id = this.nextJob()
    this.byJob.set(id, best.request)
    wanted.relay = { id, step: best }
    return [{ do: 'pull', job: id, tensor: activation }]
  }

  /** No more hops: get the scores of the newest step, then answer. */
  private closeUp(
    wanted: Pending,
    closing: NonNullable<Pending['closing']>,
    nowMs: number,
  ): Effect[] {
    const applied = wanted.best.route.length
    const { minLayers } = wanted.policy
    if (closing !== 'complete' && applied < Math.max(1, minLayers)) {
      if (closing === 'uncovered' && applied === 0)
        return this.fail(wanted, { code: 'no-providers' })
      if (closing === 'deadline' && applied === 0) {
        return this.fail(
          wanted,
          this.covered(wanted) ? { code: 'deadline-passed', hops: 0 } : { code: 'no-providers' },
        )
      }
      return this.fail(wanted, { code: 'too-few-layers', applied, wanted: minLayers })
    }
    wanted.closing = closing
    if (wanted.scores !== undefined && sameStep(wanted.scores.step, wanted.best))
      return this.answer(wanted, nowMs)
    return wanted.head === undefined ? this.score(wanted) : []
  }

  private score(wanted: Pending): Effect[] {
    const step = wanted.best
    const id = this.nextJob()
    this.byJob.set(id, step.request)
    if (step.activation.place === 'held') {
      wanted.head = { id, step, phase: 'pulling' }
      return [{ do: 'pull', job: id, tensor: step.activation }]
    }
    wanted.head = { id, step, phase: 'running' }
    return [{ do: 'run-head', job: id, input: encoded(step.activation, step.activation.bytes) }]
  }

  /** The scores of a step could not be had: go on without them, or from the step before. */
  private headLost(wanted: Pending, nowMs: number): Effect[] {
    if (wanted.closing === undefined) return []
    const { previous, best, stem, policy } = wanted
    const isOver = wanted.closing === 'deadline' || best.era >= ERAS_MAX
    wanted.headsLost++
    const leastHops = Math.max(1, policy.minLayers)
    if (
      (isOver || wanted.headsLost > HEADS_LOST_MAX) &&
      previous !== undefined &&
      previous.route.length >= leastHops
    ) {
      // Whoever ran the last layer cannot hand its result over: an answer without it is due.
      wanted.best = previous
      wanted.previous = undefined
      wanted.headsLost = 0
      return this.score(wanted)
    }
    if (isOver) return this.answerWithLastScores(wanted, nowMs)
    wanted.closing = undefined
    wanted.best = { ...(previous ?? stem), era: best.era + 1 }
    wanted.previous = undefined
    wanted.movedAtMs = nowMs
    return [{ do: 'publish', message: { ...wanted.best, remainingMs: wanted.deadlineMs - nowMs } }]
  }

  private isConfident({ policy, scores }: Pending): boolean {
    const { stopAtConfidence, minLayers } = policy
    if (
      stopAtConfidence === undefined ||
      scores === undefined ||
      scores.step.route.length < minLayers
    )
      return false
    return scores.probabilities.every((row) => Math.max(...row) >= stopAtConfidence)
  }

  private answerWithLastScores(wanted: Pending, nowMs: number): Effect[] {
    const { scores, policy, best } = wanted
    if (scores !== undefined && scores.step.route.length >= Math.max(1, policy.minLayers))
      return this.answer(wanted, nowMs)
    return this.fail(wanted, { code: 'deadline-passed', hops: best.route.length })
  }

  private answer(wanted: Pending, nowMs: number): Effect[] {
    const { scores } = wanted
    if (scores === undefined) return this.fail(wanted, { code: 'head-failed' })
    const { request, route } = scores.step
    const applied = new Set(route.map(({ layer }) => layer))
    const answer: Answer = {
      request,
      logits: scores.logits,
      probabilities: scores.probabilities,
      route,
      missingLayers: Array.from({ length: this.options.shape.layers }, (_, layer) => layer).filter(
        (layer) => !applied.has(layer),
      ),
      totalMs: nowMs - wanted.startedMs,
    }
    return [...this.end(wanted), { do: 'report', event: { type: 'answered', answer } }]
  }

  private fail(wanted: Pending, fault: FailureFault): Effect[] {
    return [
      ...this.end(wanted),
      { do: 'report', event: { type: 'failed', request: wanted.stem.request, fault } },
    ]
  }

  private end(wanted: Pending): Effect[] {
    const { request, activation } = wanted.stem
    const effects: Effect[] = [{ do: 'publish', message: { kind: 'done', request } }]
    if (wanted.head?.phase === 'pulling') effects.push({ do: 'cancel', job: wanted.head.id })
    if (activation.place === 'held') effects.push({ do: 'withdraw', hash: activation.hash })
    for (const hash of wanted.relayed) effects.push({ do: 'withdraw', hash })
    if (wanted.relay !== undefined) effects.push({ do: 'cancel', job: wanted.relay.id })
    this.forgetRelay(wanted)
    this.forgetHead(wanted)
    this.pending.delete(request)
    return effects
  }

  private progress(wanted: Pending): Effect {
    const { best, scores } = wanted
    const { request, route } = best
    const scoredHops = scores?.step.route.length ?? 0
    return {
      do: 'report',
      event: {
        type: 'progressed',
        request,
        route,
        probabilities: scores?.probabilities,
        scoredHops,
      },
    }
  }

  private wantedBy(job: number): Pending | undefined {
    const request = this.byJob.get(job)
    return request === undefined ? undefined : this.pending.get(request)
  }

  private forgetRelay(wanted: Pending): void {
    if (wanted.relay !== undefined) this.byJob.delete(wanted.relay.id)
    wanted.relay = undefined
  }

  private forgetHead(wanted: Pending): void {
    if (wanted.head !== undefined) this.byJob.delete(wanted.head.id)
    wanted.head = undefined
  }
}

/** What to do with a tensor that nobody needs. */
function withdrawn(activation: Activation | undefined): Effect[] {
  return activation?.place === 'held' ? [{ do: 'withdraw', hash: activation.hash }] : []
}

/** Class scores of one image → probabilities that sum to 1. */
function probabilitiesOf(logits: readonly number[]): number[] {
  return Array.from(softmax(tensor([logits.length], Float32Array.from(logits))).data)
}

/** What is left of the deadline when the requester stops waiting for more hops. */
function reserveMs({ best, policy }: Pending): number {
  if (best.activation.place === 'inline') return ANSWER_RESERVE_MS
  return Math.min(ANSWER_RESERVE_PULL_MS, policy.deadlineMs / 10)
}

/** How long the layers left may be without a host before that counts as final. */
function graceMs(wanted: Pending): number {
  return wanted.best.route.length === 0 ? FIRST_PROVIDER_MS : NO_HOST_GRACE_MS
}
