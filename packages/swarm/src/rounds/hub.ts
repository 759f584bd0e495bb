import type { EncodedActivation } from '@layerswarm/model'
import { has, layerSet } from '../claims/layer-set.ts'
import { type CoreEffect, encoded, withdrawn } from '../effects.ts'
import type { Recount } from '../handed-on.ts'
import type { JobId } from '../jobs.ts'
import type { HeadOutcome } from '../ports.ts'
import { CLASSIFY_POLICY_DEFAULT } from '../request.ts'
import type { Activation, Hop, PeerId, RequestId, Update } from '../wire/messages.ts'
import { weightedBy } from '../wire/weights.ts'
import { AskedInRounds, type Wanted } from './asked.ts'
import { Asking } from './asking.ts'
import { Closing } from './closing.ts'
import { lateFault } from './ending.ts'
import { encodedRound, nameOf, type OwnSum } from './executor.ts'
import { HubJobs } from './hub-jobs.ts'
import type { HubNeeds } from './hub-needs.ts'
import { RECOUNT_WAIT_MS } from './limits.ts'
import { drawnOrder, planRounds, type Share } from './plan.ts'
import { CurrentRound } from './round.ts'
import type { HubLoad, Seen } from './sight.ts'

/**
 * Answers requests of this member in rounds: keeps the tensor, asks executors for layers of a round on the same
 * input, adds up what comes back, and goes on without what has not come in time.
 *
 * 1. Every request ends in exactly one answer or one failure, at its deadline at the latest, or goes on as a tour.
 * 2. A sum counts for the round on whose input, by its hash, it was made, and for no other.
 * 3. Whoever is silent is replaced, and its sum still counts when it comes before another's.
 * 4. What is missing when a round's time is over joins the next; what is left after the last is a tour's.
 * 5. Everybody who was asked for something hears of the end of the request.
 * 6. What somebody sent who is not to be believed is taken out: the round that it went into is run again.
 */
export class Hub {
  private readonly needs: HubNeeds
  private readonly requests = new Map<RequestId, AskedInRounds>()
  private readonly jobs: HubJobs
  private readonly asking: Asking
  private readonly closing: Closing
  private waiting: { readonly recount: Recount; readonly untilMs: number }[] = []

  constructor(needs: HubNeeds) {
    this.needs = needs
    this.jobs = new HubJobs(needs.nextJob)
    this.asking = new Asking(needs.own, needs.uplink)
    const { requests, jobs } = this
    const sees = (asked: AskedInRounds, nowMs: number) => this.sees(asked, nowMs)
    this.closing = new Closing({ requests, jobs, sees, shared: needs.shared })
  }

  get inFlight(): number {
    return [...this.requests.values()].filter(({ isRecount }) => !isRecount).length
  }

  has(request: RequestId): boolean {
    return this.requests.has(request)
  }

  /** What its requests have under way. */
  load(nowMs: number): HubLoad {
    return { asked: this.asked(), waitMs: this.asking.waitMs(nowMs) }
  }

  private asked(): Map<PeerId, number> {
    const asked = new Map<PeerId, number>()
    for (const { current } of this.requests.values())
      for (const { peer, layers } of current?.open() ?? [])
        asked.set(peer, (asked.get(peer) ?? 0) + layers.length)
    return asked
  }

  /** A request is to be answered in rounds. @param wanted of which the origin is the stem's output, (B, T, C). */
  begin(wanted: Omit<Wanted, 'isRecount'>, nowMs: number): CoreEffect[] {
    const asked = new AskedInRounds({ ...wanted, isRecount: false })
    const { request, origin, opening } = asked
    this.requests.set(request, asked)
    this.needs.shared.begin(request, opening.seed)
    if (origin.place === 'held') {
      const job = this.jobs.add({ for: 'input', asked })
      return [{ do: 'pull', job, tensor: origin, isAwaited: false }]
    }
    asked.tensor = encoded(origin, origin.bytes)
    return this.startRound(asked, nowMs)
  }

  /** A sum is to be made again, by others: at once, or when this hub's rounds are over. */
  recount(recount: Recount, nowMs: number): CoreEffect[] {
    const untilMs = nowMs + (recount.isUrgent ? 0 : RECOUNT_WAIT_MS)
    this.waiting.push({ recount, untilMs })
    return this.beginRecounts(nowMs)
  }

  private beginRecounts(nowMs: number): CoreEffect[] {
    const isAtWork = [...this.requests.values()].some(
      ({ isRecount, stage }) => !isRecount && stage !== 'scores',
    )
    const isDue = ({ untilMs }: { untilMs: number }) => !isAtWork || nowMs >= untilMs
    const due = this.waiting.filter(isDue)
    this.waiting = this.waiting.filter((one) => !isDue(one))
    return due.flatMap(({ recount }) => this.beginRecount(recount, nowMs))
  }

  private beginRecount(
    { request, layers, input, activation }: Recount,
    nowMs: number,
  ): CoreEffect[] {
    // As any request: whoever runs it cannot tell what it is.
    const opening = { policy: CLASSIFY_POLICY_DEFAULT, startedMs: nowMs }
    const of = { request, opening, layers, groups: [layers.length], origin: activation }
    const asked = new AskedInRounds({ ...of, isRecount: true })
    this.requests.set(request, asked)
    asked.tensor = input
    return this.startRound(asked, nowMs)
  }

  /** A recount is needed no longer. */
  abandon(request: RequestId): CoreEffect[] {
    const asked = this.requests.get(request)
    if (asked?.isRecount) return this.closing.end(asked)
    const isIt = ({ recount }: { recount: Recount }) => recount.request === request
    const dropped = this.waiting.filter(isIt)
    this.waiting = this.waiting.filter((one) => !isIt(one))
    return dropped.flatMap(({ recount }) => withdrawn(recount.activation))
  }

  cancel(request: RequestId): CoreEffect[] {
    const asked = this.requests.get(request)
    return asked === undefined ? [] : this.closing.fail(asked, { code: 'cancelled' })
  }

  /** What a peer computed is not to be used. */
  distrust(peer: PeerId, nowMs: number): CoreEffect[] {
    return [...this.requests.values()].flatMap((asked): CoreEffect[] => {
      if (asked.isRecount) return []
      const { activation } = asked
      if (!asked.goBackBefore(peer))
        return asked.current?.drop(peer) ? this.reassign(asked, nowMs) : []
      const effects = this.jobs.drop(asked)
      if (activation !== asked.origin) effects.push(...withdrawn(activation))
      const again = asked.activation === undefined ? this.closing.prepare(asked) : undefined
      return [...effects, ...(again ?? this.startRound(asked, nowMs))]
    })
  }

  /** Somebody sends a sum, or will not run what it was asked for. */
  onUpdate(from: PeerId, update: Update, nowMs: number): CoreEffect[] {
    const asked = this.requests.get(update.request)
    const round = asked?.current
    if (asked === undefined || round === undefined || round.index !== update.round) return []
    if (update.input !== round.input.name) return []
    const layers = update.layers.map(({ layer }) => layer)
    if (update.sum === undefined || layers.length === 0) {
      for (const attempt of round.of(from)) attempt.state = 'over'
      return this.reassign(asked, nowMs)
    }
    if (!round.expects(from, layers)) return []
    const { backend } = update
    const weighted = weightedBy(this.needs.mixing.weightsOf(from))
    const run = update.layers.map(({ layer, ms }) => ({ layer, peer: from, backend, ms }))
    const hops = run.map((hop) => ({ ...hop, ...weighted }))
    const tensor = encodedRound(update.sum)
    if (update.sum.place === 'inline') return this.onSum(asked, from, hops, tensor, nowMs)
    const { size } = update.sum
    for (const attempt of round.of(from)) {
      attempt.state = 'arriving'
      attempt.dueAtMs = nowMs + this.asking.patienceMs(this.needs.sight.transferMs(size, from))
    }
    const job = this.jobs.add({ for: 'sum', asked, round, from, hops, tensor })
    return [{ do: 'pull', job, tensor: { ...update.sum, holder: from }, isAwaited: true }]
  }

  /** What this member runs itself has ended. */
  onOwn({ request, round, layers, sum }: OwnSum, nowMs: number): CoreEffect[] {
    const asked = this.requests.get(request)
    if (asked?.current === undefined || asked.current.index !== round) return []
    const { self } = this.needs
    if (sum === undefined) {
      for (const attempt of asked.current.of(self)) attempt.state = 'over'
      return this.reassign(asked, nowMs)
    }
    const weighted = weightedBy(this.needs.mixing.ownWeights)
    const backend = this.needs.backend()
    const hops = layers.map((one) => ({ ...one, peer: self, backend, ...weighted }))
    return this.onSum(asked, self, hops, sum, nowMs)
  }

  /** A tensor is here, or cannot be had. */
  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    const job = this.jobs.take(id)
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
    if (bytes === undefined)
      return this.closing.fail(asked, {
        code: 'stem-failed',
        reason: 'its output is not there any more',
      })
    asked.tensor = encoded(asked.origin, bytes)
    return this.startRound(asked, nowMs)
  }

  /** The input of the next round can be had from here, or there is no room for it. */
  onPrepared(id: JobId, activation: Activation | undefined, nowMs: number): CoreEffect[] {
    const job = this.jobs.take(id)
    if (job === undefined || !this.requests.has(job.asked.request)) return withdrawn(activation)
    const { asked } = job
    if (activation === undefined) return this.closing.answerWithout(asked)
    asked.activation = activation
    return this.startRound(asked, nowMs)
  }

  onHeadRun(id: JobId, outcome: HeadOutcome, nowMs: number): CoreEffect[] {
    const job = this.jobs.take(id)
    if (job === undefined) return []
    const effects = this.closing.onHeadRun(job.asked, outcome, nowMs)
    return [...effects, ...this.beginRecounts(nowMs)]
  }

  /** Whoever is gone sends nothing any more. */
  onDisconnected(peer: PeerId, nowMs: number): CoreEffect[] {
    return [...this.requests.values()].flatMap((asked) => {
      const attempts = asked.current?.of(peer) ?? []
      for (const attempt of attempts) attempt.state = 'over'
      return attempts.length === 0 ? [] : this.reassign(asked, nowMs)
    })
  }

  onTime(nowMs: number): CoreEffect[] {
    const effects = [...this.requests.values()].flatMap((asked) => this.due(asked, nowMs))
    return [...effects, ...this.asking.onTime(nowMs), ...this.beginRecounts(nowMs)]
  }

  /** When `onTime` is due next, milliseconds. */
  wakeAtMs(): number {
    let at = Math.min(this.asking.wakeAtMs(), ...this.waiting.map(({ untilMs }) => untilMs))
    for (const { deadlineMs, looksAtMs, current } of this.requests.values())
      at = Math.min(at, deadlineMs, looksAtMs, current?.wakeAtMs() ?? at)
    return at
  }

  private due(asked: AskedInRounds, nowMs: number): CoreEffect[] {
    const { logits, current } = asked
    if (logits !== undefined && nowMs >= Math.min(asked.looksAtMs, asked.deadlineMs))
      return this.closing.answer(asked, logits, nowMs)
    if (nowMs >= asked.deadlineMs)
      return this.closing.fail(asked, lateFault(asked, this.sees(asked, nowMs)))
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
    const { request, policy, tensor, isRecount } = asked
    const bytes = tensor?.bytes.length ?? 0
    const layers = asked.current?.missing() ?? asked.left
    const barred = this.needs.shared.barred(request, policy, nowMs)
    return this.needs.sight.look(
      { request, layers, bytes, barred, isRecount },
      this.load(nowMs),
      nowMs,
    )
  }

  private startRound(asked: AskedInRounds, nowMs: number): CoreEffect[] {
    const { activation, tensor } = asked
    const isOver = asked.groups.length === 0 || nowMs >= asked.hurriesAtMs
    if (isOver || tensor === undefined || activation === undefined)
      return this.closing.finish(asked, nowMs)
    const { executors, access } = this.sees(asked, nowMs)
    const plan = planRounds(drawnOrder(asked.request, asked.left), asked.groups, executors, access)
    while (
      asked.groups.length > 1 &&
      plan.rounds[plan.rounds.length - asked.groups.length]?.length === 0
    )
      asked.skipRound()
    const shares = plan.rounds[plan.rounds.length - asked.groups.length] ?? []
    if (shares.length === 0) return this.closing.finish(asked, nowMs)
    const layers = shares.flatMap((share) => share.layers)
    const roundMs = Math.max(...shares.map(({ ms }) => ms))
    const input = { tensor, activation, name: nameOf(activation) }
    const endsAtMs = asked.endOf(access.waitMs + roundMs, nowMs)
    const round = new CurrentRound(asked.rounds.length, input, layers, endsAtMs)
    asked.begin(round)
    return this.ask(asked, round, shares, access.sendMs, nowMs)
  }

  /** What cannot be asked is asked of somebody else at once. */
  private ask(
    asked: AskedInRounds,
    round: CurrentRound,
    shares: readonly Share[],
    sendMs: number,
    nowMs: number,
  ): CoreEffect[] {
    const effects: CoreEffect[] = this.asking.ask(asked, round, shares, sendMs, nowMs)
    return round.unasked().length === 0 ? effects : effects.concat(this.reassign(asked, nowMs))
  }

  private onSum(
    asked: AskedInRounds,
    from: PeerId,
    hops: readonly Hop[],
    sum: EncodedActivation,
    nowMs: number,
  ): CoreEffect[] {
    const round = asked.current
    if (round === undefined) return []
    const { arithmetic, isPlausible, judged, self, shared } = this.needs
    this.asking.came(round.came(from, hops))
    const { tensor, activation } = round.input
    const output = arithmetic.add(tensor, [sum])
    const isGood = output !== undefined && isPlausible(tensor, output, hops.length)
    // Whoever sends what is none was not silent: an audit says what follows.
    if (from !== self && (isGood || output === undefined)) judged(from, isGood, nowMs)
    const route = [...asked.route, ...round.sums.flatMap((one) => one.hops)]
    const isNews = isGood ? round.take({ hops, sum }) : output !== undefined
    const { request } = asked
    const audited =
      output !== undefined && isNews && !asked.isRecount
        ? shared.summed({ request, route, hops, input: tensor, activation, output }, !isGood, nowMs)
        : []
    return [
      ...audited,
      ...(round.isComplete ? this.closeRound(asked, nowMs) : this.reassign(asked, nowMs)),
    ]
  }

  /** Layers that nobody is waited for are asked of somebody else. */
  private reassign(asked: AskedInRounds, nowMs: number): CoreEffect[] {
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
    if (shares.length > 0) return this.ask(asked, round, shares, access.sendMs, nowMs)
    return round.isHopeful ? [] : this.closeRound(asked, nowMs)
  }

  /** All sums are here, or no more are waited for. */
  private closeRound(asked: AskedInRounds, nowMs: number): CoreEffect[] {
    const { current, activation } = asked
    if (current === undefined) return []
    const sums = current.sums.map(({ sum }) => sum)
    const { tensor } = current.input
    const next = sums.length === 0 ? undefined : this.needs.arithmetic.add(tensor, sums)
    if (next === undefined) {
      asked.giveUp()
      return this.closing.finish(asked, nowMs)
    }
    asked.applied(current, current.sums, next)
    if (asked.isRecount) return this.closing.recounted(asked, nowMs)
    asked.activation = undefined
    const { request } = asked
    const [route, rounds] = [[...asked.route], [...asked.rounds]]
    const progress = { request, route, rounds, probabilities: undefined, scoredHops: 0 }
    return [
      ...(activation === asked.origin ? [] : withdrawn(activation)),
      { do: 'report', event: { type: 'progressed', ...progress } },
      ...(asked.groups.length === 0 || asked.left.length === 0
        ? this.closing.finish(asked, nowMs)
        : this.closing.prepare(asked)),
    ]
  }
}
