import { type EncodedActivation, softmax, tensor } from '@layerswarm/model'
import { has, layerSet } from '../claims/layer-set.ts'
import { type Effect, encoded, withdrawn } from '../effects.ts'
import type { FailureFault } from '../failure.ts'
import type { JobId } from '../jobs.ts'
import { FIRST_PROVIDER_MS, NO_HOST_GRACE_MS } from '../limits.ts'
import type { HeadOutcome } from '../ports.ts'
import type { Opening } from '../requester/openings.ts'
import type { Activation, Hop, PeerId, RequestId, Update } from '../wire/messages.ts'
import { AskedInRounds } from './asked.ts'
import { Asking } from './asking.ts'
import { answerOf, failed, shortfallOf } from './ending.ts'
import { encodedRound, nameOf, type OwnSum } from './executor.ts'
import type { HubNeeds } from './hub-needs.ts'
import { AGAIN_MS } from './limits.ts'
import { drawnOrder, planRounds, type Share } from './plan.ts'
import { CurrentRound } from './round.ts'
import type { Seen } from './sight.ts'

type Job =
  | { readonly for: 'input' | 'round' | 'head'; readonly asked: AskedInRounds }
  | {
      readonly for: 'sum'
      readonly asked: AskedInRounds
      readonly round: CurrentRound
      readonly from: PeerId
      readonly hops: readonly Hop[]
      readonly tensor: EncodedActivation
    }

/**
 * Answers requests of this member in rounds: keeps the tensor, asks executors for layers of a round on the same
 * input, adds up what comes back, and goes on without what has not come in time.
 *
 * 1. Every request ends in exactly one answer or one failure, at its deadline at the latest.
 * 2. A sum counts for the round on whose input, by its hash, it was made, and for no other.
 * 3. Whoever is silent is replaced, and its sum still counts when it comes before another's.
 * 4. What is missing when a round's time is over is left out, and the answer says so.
 * 5. Everybody who was asked for something hears of the end of the request.
 */
export class Hub {
  private readonly needs: HubNeeds
  private readonly requests = new Map<RequestId, AskedInRounds>()
  private readonly jobs = new Map<number, Job>()
  private readonly asking: Asking

  constructor(needs: HubNeeds) {
    this.needs = needs
    this.asking = new Asking(needs.own)
  }

  get inFlight(): number {
    return this.requests.size
  }

  has(request: RequestId): boolean {
    return this.requests.has(request)
  }

  owns(id: JobId): boolean {
    return this.jobs.has(id.number)
  }

  /** Layers that somebody is waited for, by peer. */
  asked(): Map<PeerId, number> {
    const asked = new Map<PeerId, number>()
    for (const { current } of this.requests.values())
      for (const { peer, layers } of current?.open() ?? [])
        asked.set(peer, (asked.get(peer) ?? 0) + layers.length)
    return asked
  }

  /** A request is to be answered in rounds. @param activation the stem's output, (B, T, C). */
  begin(
    request: RequestId,
    opening: Opening,
    of: {
      readonly activation: Activation
      readonly groups: readonly number[]
      readonly barred: readonly number[]
    },
    nowMs: number,
  ): Effect[] {
    const asked = new AskedInRounds(request, opening, of.groups, of.barred)
    this.requests.set(request, asked)
    const { activation } = of
    asked.activation = activation
    if (activation.place === 'held') {
      const job = this.job({ for: 'input', asked })
      return [{ do: 'pull', job, tensor: activation, isAwaited: false }]
    }
    asked.tensor = encoded(activation, activation.bytes)
    return this.startRound(asked, nowMs)
  }

  cancel(request: RequestId): Effect[] {
    const asked = this.requests.get(request)
    return asked === undefined ? [] : this.fail(asked, { code: 'cancelled' })
  }

  /** Somebody sends a sum, or will not run what it was asked for. */
  onUpdate(from: PeerId, update: Update, nowMs: number): Effect[] {
    const asked = this.requests.get(update.request)
    const round = asked?.current
    if (asked === undefined || round === undefined || round.index !== update.round) return []
    if (update.input !== round.input.name) return []
    const layers = update.layers.map(({ layer }) => layer)
    if (update.sum === undefined || layers.length === 0) {
      for (const attempt of round.of(from)) attempt.state = 'over'
      return this.reassign(asked, nowMs)
    }
    if (!round.asked(from, layers)) return []
    const { backend } = update
    const hops = update.layers.map(({ layer, ms }) => ({ layer, peer: from, backend, ms }))
    const tensor = encodedRound(update.sum)
    if (update.sum.place === 'inline') return this.onSum(asked, from, hops, tensor, nowMs)
    const { size } = update.sum
    for (const attempt of round.of(from)) {
      attempt.state = 'arriving'
      attempt.dueAtMs = nowMs + this.asking.patienceMs(this.needs.sight.transferMs(size, from))
    }
    const job = this.job({ for: 'sum', asked, round, from, hops, tensor })
    return [{ do: 'pull', job, tensor: { ...update.sum, holder: from }, isAwaited: true }]
  }

  /** What this member runs itself has ended. */
  onOwn({ request, round, layers, sum }: OwnSum, nowMs: number): Effect[] {
    const asked = this.requests.get(request)
    if (asked?.current === undefined || asked.current.index !== round) return []
    const { self } = this.needs
    if (sum === undefined) {
      for (const attempt of asked.current.of(self)) attempt.state = 'over'
      return this.reassign(asked, nowMs)
    }
    const hops = layers.map((one) => ({ ...one, peer: self, backend: this.needs.backend() }))
    return this.onSum(asked, self, hops, sum, nowMs)
  }

  /** A tensor is here, or cannot be had. */
  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): Effect[] {
    const job = this.take(id)
    if (job === undefined) return []
    const { asked } = job
    if (job.for === 'sum') {
      if (asked.current !== job.round) return []
      if (bytes === undefined) {
        for (const attempt of job.round.of(job.from)) attempt.state = 'over'
        return this.reassign(asked, nowMs)
      }
      return this.onSum(asked, job.from, job.hops, { ...job.tensor, bytes }, nowMs)
    }
    if (bytes === undefined || asked.activation === undefined)
      return this.fail(asked, { code: 'stem-failed', reason: 'its output is not there any more' })
    asked.tensor = encoded(asked.activation, bytes)
    return this.startRound(asked, nowMs)
  }

  /** The input of the next round can be had from here, or there is no room for it. */
  onPrepared(id: JobId, activation: Activation | undefined, nowMs: number): Effect[] {
    const job = this.take(id)
    if (job === undefined || !this.requests.has(job.asked.request)) return withdrawn(activation)
    const { asked } = job
    if (activation === undefined) return this.score(asked)
    asked.activation = activation
    return this.startRound(asked, nowMs)
  }

  onHeadRun(id: JobId, outcome: HeadOutcome, nowMs: number): Effect[] {
    const job = this.take(id)
    if (job === undefined) return []
    const { asked } = job
    if ('failure' in outcome) {
      const isSecond = asked.headFailure !== undefined
      asked.headFailure = outcome.failure
      return isSecond
        ? this.fail(asked, { code: 'head-failed', reason: outcome.failure })
        : this.score(asked)
    }
    const { logits } = outcome
    const probabilities = logits.map((row) => [
      ...softmax(tensor([row.length], Float32Array.from(row))).data,
    ])
    const answer = answerOf(asked, logits, probabilities, nowMs)
    return [...this.end(asked), { do: 'report', event: { type: 'answered', answer } }]
  }

  /** Whoever is gone sends nothing any more. */
  onDisconnected(peer: PeerId, nowMs: number): Effect[] {
    return [...this.requests.values()].flatMap((asked) => {
      const attempts = asked.current?.of(peer) ?? []
      for (const attempt of attempts) attempt.state = 'over'
      return attempts.length === 0 ? [] : this.reassign(asked, nowMs)
    })
  }

  onTime(nowMs: number): Effect[] {
    return [...this.requests.values()].flatMap((asked) => this.due(asked, nowMs))
  }

  /** When `onTime` is due next, milliseconds. */
  wakeAtMs(): number {
    let at = Number.POSITIVE_INFINITY
    for (const { deadlineMs, looksAtMs, current } of this.requests.values())
      at = Math.min(at, deadlineMs, looksAtMs, current?.wakeAtMs() ?? at)
    return at
  }

  private due(asked: AskedInRounds, nowMs: number): Effect[] {
    if (nowMs >= asked.deadlineMs)
      return this.fail(asked, shortfallOf(asked, this.sees(asked, nowMs), nowMs))
    if (nowMs >= asked.looksAtMs) return this.startRound(asked, nowMs)
    const { current } = asked
    if (current === undefined) return []
    if (nowMs >= current.endsAtMs) return this.closeRound(asked, nowMs)
    const silent = current.overdue(nowMs)
    for (const attempt of silent) {
      attempt.state = 'late'
      if (attempt.peer !== this.needs.self) this.needs.judged(attempt.peer, false, nowMs)
    }
    return silent.length === 0 ? [] : this.reassign(asked, nowMs)
  }

  private sees(asked: AskedInRounds, nowMs: number): Seen {
    const { request, barred, tensor } = asked
    const bytes = tensor?.bytes.length ?? 0
    const layers = asked.current?.missing() ?? asked.missing
    return this.needs.sight.look({ request, layers, bytes, barred }, this.asked(), nowMs)
  }

  private startRound(asked: AskedInRounds, nowMs: number): Effect[] {
    asked.looksAtMs = Number.POSITIVE_INFINITY
    const { activation, tensor } = asked
    if (nowMs >= asked.hurriesAtMs || tensor === undefined || activation === undefined)
      return this.finish(asked, nowMs)
    const { executors, access } = this.sees(asked, nowMs)
    const plan = planRounds(drawnOrder(asked.request, asked.left), asked.groups, executors, access)
    const waitsUntilMs =
      asked.startedMs + (executors.length === 0 ? FIRST_PROVIDER_MS : NO_HOST_GRACE_MS)
    if (plan.unhosted.length > 0 && nowMs < waitsUntilMs) return this.lookAgain(asked, nowMs)
    while (
      asked.groups.length > 1 &&
      plan.rounds[plan.rounds.length - asked.groups.length]?.length === 0
    )
      asked.skipRound()
    const shares = plan.rounds[plan.rounds.length - asked.groups.length] ?? []
    if (shares.length === 0) return this.finish(asked, nowMs)
    const layers = shares.flatMap((share) => share.layers)
    const roundMs = Math.max(...shares.map(({ ms }) => ms))
    const input = { tensor, activation, name: nameOf(activation) }
    const index = asked.rounds.length
    asked.current = new CurrentRound(index, input, layers, asked.endOf(roundMs, nowMs))
    asked.stage = 'sums'
    return this.ask(asked, asked.current, shares, nowMs)
  }

  private lookAgain(asked: AskedInRounds, nowMs: number): Effect[] {
    asked.stage = 'hosts'
    asked.looksAtMs = nowMs + AGAIN_MS
    return []
  }

  /** What cannot be asked is asked of somebody else at once. */
  private ask(
    asked: AskedInRounds,
    round: CurrentRound,
    shares: readonly Share[],
    nowMs: number,
  ): Effect[] {
    const effects = this.asking.ask(asked, round, shares, nowMs)
    return round.unasked().length === 0 ? effects : effects.concat(this.reassign(asked, nowMs))
  }

  private onSum(
    asked: AskedInRounds,
    from: PeerId,
    hops: readonly Hop[],
    sum: EncodedActivation,
    nowMs: number,
  ): Effect[] {
    const round = asked.current
    if (round === undefined) return []
    const { arithmetic, isPlausible, judged, self } = this.needs
    const layers = new Set(hops.map(({ layer }) => layer))
    const attempts = round.of(from).filter((one) => one.layers.some((layer) => layers.has(layer)))
    if (attempts.length > 0) this.asking.came(attempts.every(({ state }) => state === 'late'))
    for (const attempt of attempts) attempt.state = 'over'
    const { tensor } = round.input
    const output = arithmetic.add(tensor, [sum])
    const isGood = output !== undefined && isPlausible(tensor, output, hops.length)
    if (from !== self) judged(from, isGood, nowMs)
    if (isGood) round.take({ hops, sum })
    return round.isComplete ? this.closeRound(asked, nowMs) : this.reassign(asked, nowMs)
  }

  /** Layers that nobody is waited for are asked of somebody else. */
  private reassign(asked: AskedInRounds, nowMs: number): Effect[] {
    const round = asked.current
    if (round === undefined) return []
    const layers = round.unasked()
    if (layers.length === 0) return []
    const { executors, access } = this.sees(asked, nowMs)
    const untried = executors.map((one) => {
      const left = layers.filter((layer) => has(one.layers, layer))
      return { ...one, layers: layerSet(left.filter((layer) => !round.isTried(one.peer, layer))) }
    })
    const { rounds } = planRounds(layers, [layers.length], untried, access)
    const shares = rounds[0] ?? []
    if (shares.length > 0) return this.ask(asked, round, shares, nowMs)
    return round.isHopeful ? [] : this.closeRound(asked, nowMs)
  }

  /** All sums are here, or no more are waited for. */
  private closeRound(asked: AskedInRounds, nowMs: number): Effect[] {
    const { current, activation } = asked
    if (current === undefined) return []
    const { sums, input } = current
    const next =
      sums.length === 0
        ? undefined
        : this.needs.arithmetic.add(
            input.tensor,
            sums.map(({ sum }) => sum),
          )
    if (next === undefined) {
      asked.current = undefined
      return this.lookAgain(asked, nowMs)
    }
    asked.applied(current, sums, next)
    asked.activation = undefined
    const { request } = asked
    const [route, rounds] = [[...asked.route], [...asked.rounds]]
    const progress = { request, route, rounds, probabilities: undefined, scoredHops: 0 }
    return [
      ...withdrawn(activation),
      { do: 'report', event: { type: 'progressed', ...progress } },
      ...this.goOn(asked, nowMs),
    ]
  }

  private goOn(asked: AskedInRounds, nowMs: number): Effect[] {
    const isOver = asked.groups.length === 0 || asked.left.length === 0
    if (isOver || nowMs >= asked.hurriesAtMs) return this.finish(asked, nowMs)
    return this.prepare(asked)
  }

  private prepare(asked: AskedInRounds): Effect[] {
    asked.stage = 'input'
    const tensor = asked.tensor as EncodedActivation
    return [{ do: 'prepare', job: this.job({ for: 'round', asked }), tensor }]
  }

  /** No round is left. */
  private finish(asked: AskedInRounds, nowMs: number): Effect[] {
    if (asked.isEnough && asked.route.length > 0) return this.score(asked)
    const seen = this.sees(asked, nowMs)
    const isHopeless = seen.executors.length === 0 && nowMs >= asked.startedMs + FIRST_PROVIDER_MS
    if (nowMs >= asked.hurriesAtMs || isHopeless || asked.missing.length === 0)
      return this.fail(asked, shortfallOf(asked, seen, nowMs))
    asked.tryLeftOut()
    return asked.activation === undefined ? this.prepare(asked) : this.lookAgain(asked, nowMs)
  }

  private score(asked: AskedInRounds): Effect[] {
    asked.stage = 'scores'
    const input = asked.tensor as EncodedActivation
    return [{ do: 'run-head', job: this.job({ for: 'head', asked }), input }]
  }

  private fail(asked: AskedInRounds, fault: FailureFault): Effect[] {
    return [...this.end(asked), failed(asked.request, fault)]
  }

  private end(asked: AskedInRounds): Effect[] {
    const { request, told, activation } = asked
    this.requests.delete(request)
    const effects: Effect[] = withdrawn(activation)
    for (const [number, job] of this.jobs) {
      if (job.asked !== asked) continue
      // A tensor that is made ready meanwhile is withdrawn when it is.
      if (job.for === 'round') continue
      this.jobs.delete(number)
      if (job.for === 'sum' || job.for === 'input')
        effects.push({ do: 'cancel', job: { owner: 'rounds', number } })
    }
    const message = { kind: 'done', request, isPublic: false } as const
    return told.size === 0 ? effects : [...effects, { do: 'tell', message, to: [...told] }]
  }

  private job(job: Job): JobId {
    const id = this.needs.nextJob()
    this.jobs.set(id.number, job)
    return id
  }

  private take({ number }: JobId): Job | undefined {
    const job = this.jobs.get(number)
    this.jobs.delete(number)
    return job
  }
}
