import { Ledger } from './audits/ledger.ts'
import type { LinkStatement } from './chain/statement.ts'
import { STRANGERS_FAIL_START } from './claims/limits.ts'
import type { CoreOptions } from './core-options.ts'
import { Dispatcher } from './dispatcher.ts'
import type { CoreEffect, Effect, Input, MemberEvent } from './effects.ts'
import { Entrance } from './entrance/entrance.ts'
import { Fetches } from './fetch/fetches.ts'
import { Withholding } from './fetch/withholding.ts'
import { Jobs } from './jobs.ts'
import type { LaneSituation } from './lanes/keeper.ts'
import { LaneMembership } from './lanes/membership.ts'
import { Mixing } from './lanes/mixing.ts'
import type { ReleaseJudgement } from './mixed-release.ts'
import type { Announcement } from './presence/announcing.ts'
import { Hosting } from './presence/hosting.ts'
import { Neighbourhood } from './presence/neighbourhood.ts'
import { PeerTable } from './presence/peer-table.ts'
import { Ways } from './presence/ways.ts'
import { Provider } from './provider/provider.ts'
import { Requester } from './requester/requester.ts'
import { Rounds } from './rounds/rounds.ts'
import { type MemberSnapshot, reasonOf } from './snapshot.ts'
import type { Activation, PeerId, Presence, RequestId } from './wire/messages.ts'

/**
 * One member of a lane, as a pure machine: inputs and the time go in, effects come out. It puts together who is
 * in the lane (`LaneMembership`), what is hosted here (`Hosting`) and the requests that are served and asked
 * (`Dispatcher`), and says to each what concerns it of the others.
 *
 * 1. Presence tells the truth: a layer is announced once it is loaded and no longer than that.
 * 2. What it has in hand when it moves to another lane goes on over the connections that stand.
 * 3. Whenever somebody comes or goes, its requester judges anew whether its requests can go on.
 * 4. After `left` it publishes nothing more.
 */
export class Core {
  private readonly options: CoreOptions
  private readonly table: PeerTable
  private readonly neighbourhood: Neighbourhood
  private readonly hosting: Hosting
  private readonly membership: LaneMembership
  private readonly provider: Provider
  private readonly requester: Requester
  private readonly rounds: Rounds
  private readonly dispatcher: Dispatcher
  private readonly entrance: Entrance
  private readonly mixing: Mixing
  private left = false

  constructor(options: CoreOptions, nowMs: number) {
    this.options = options
    this.mixing = new Mixing(options)
    const { mixing } = this
    this.table = new PeerTable(options.release, options.reaches)
    const { self, serve, capacity, shape } = options
    this.hosting = new Hosting({ self, serve, capacity, layers: shape.layers }, this.table, nowMs)
    this.neighbourhood = new Neighbourhood(self, options)
    const { table, neighbourhood } = this
    const ways = new Ways(options, table, neighbourhood)
    const view = { table, neighbourhood, ways }
    this.membership = new LaneMembership(options, this.ownState(), view, nowMs)
    const jobs = new Jobs()
    const ledger = new Ledger()
    const withholding = new Withholding(self)
    const { hosted } = this.hosting
    this.provider = new Provider(options, view, hosted, jobs.of('provider'), {
      isTrusted: (peer) => ledger.isTrusted(peer),
      withholding,
    })
    this.requester = new Requester(
      {
        self,
        shape,
        hosted,
        mixing,
        ledger,
        withholding,
        agree: options.agree,
        isPlausible: options.isPlausible,
        arithmetic: options.arithmetic,
        uploadBytesPerMs: () => options.accessSpeed().upload,
      },
      table,
      jobs,
      nowMs,
    )
    const { provider, requester } = this
    const { errands, uplink } = provider
    this.rounds = new Rounds(options, {
      ...{ hosted, errands, uplink, ways, mixing, nextJob: jobs.of('rounds') },
      survey: (of, atMs) => provider.survey(of, atMs),
      shared: requester.inRounds,
      judged: (peer, hasDelivered, atMs) => provider.judged(peer, hasDelivered, atMs),
    })
    const fetches = new Fetches(self, ways)
    this.dispatcher = new Dispatcher(options, provider, requester, this.rounds, fetches)
    const { dispatcher } = this
    this.entrance = new Entrance(options, {
      ...{ table, provider, dispatcher, mixing },
      nextJob: jobs.of('entrance'),
    })
  }

  handle(input: Input, nowMs: number): Effect[] {
    if (this.left) return []
    const effects = this.dispatcher.settle(this.react(input, nowMs), nowMs)
    for (const effect of effects) if (effect.do === 'report') this.learn(effect.event, nowMs)
    effects.push(...this.moveIfDue(nowMs))
    return effects
  }

  /** What is expected of the next request is what became of those before. */
  private learn(event: MemberEvent, nowMs: number): void {
    if (event.type === 'answered') this.rounds.ended(event.answer.request, true, nowMs)
    if (event.type === 'failed')
      this.rounds.ended(event.request, event.fault.code === 'deadline-passed', nowMs)
  }

  /** This member has signed a link of its own. */
  signed(link: LinkStatement): void {
    this.entrance.onSigned(link)
  }

  /** The lane that it is in. */
  get lane(): number {
    return this.membership.lane
  }

  /** When `{ on: 'time' }` is due next, milliseconds; Infinity once it has left. */
  wakeAtMs(): number {
    if (this.left) return Number.POSITIVE_INFINITY
    return Math.min(
      this.membership.wakeAtMs(),
      this.hosting.wakeAtMs(),
      this.dispatcher.wakeAtMs(),
      this.provider.wakeAtMs(),
      this.requester.wakeAtMs(),
      this.rounds.wakeAtMs(),
    )
  }

  snapshot(nowMs: number): MemberSnapshot {
    const { self, release, shape } = this.options
    const { hosting, table } = this
    const hosted = hosting.announced()
    const { running, restsUntilMs, ...state } = this.provider.throughput.state()
    const coverage = table
      .coverage(shape.layers)
      .map((hosts, layer) => hosts + (hosted.includes(layer) ? 1 : 0))
    return {
      self,
      release,
      lane: this.lane,
      hosted,
      loading: [...hosting.loading],
      paused: hosting.paused,
      peers: [...table.all()].map(({ peer, presence, heardAtMs }) => ({
        peer,
        layers: presence.layers,
        weights: presence.weights,
        backend: presence.backend,
        layerMs: presence.layerMs,
        freeSlots: presence.freeSlots,
        ageMs: nowMs - heardAtMs,
      })),
      coverage,
      ...state,
      following: this.provider.followed,
      requestsInFlight: this.requester.inFlight + this.rounds.inFlight,
      reason: reasonOf({
        paused: hosting.paused,
        loading: hosting.loading.size,
        hosted: hosting.hosted.size,
        capacity: hosting.capacity,
        isRunning: running > 0,
        isResting: restsUntilMs > nowMs,
        peers: table.size,
        coverage,
      }),
    }
  }

  private react(input: Input, nowMs: number): CoreEffect[] {
    switch (input.on) {
      case 'message':
        return input.message.kind === 'presence'
          ? this.onPresence(input.from, input.message, nowMs)
          : this.entrance.hear({ from: input.from, via: input.via, message: input.message }, nowMs)
      case 'verified':
        return this.entrance.onVerified(input.job, input.isTrue, nowMs)
      case 'time':
        return this.onTime(nowMs)
      case 'disconnected':
        return this.onDisconnected(input.peer, nowMs)
      case 'pulled':
        return this.dispatcher.onPulled(input.job, input.bytes, nowMs)
      case 'prepared':
        return this.dispatcher.onPrepared(input.job, input.activation, nowMs)
      case 'layer-run':
        return this.onLayerRun(input, nowMs)
      case 'head-run':
        return input.job.owner === 'rounds'
          ? this.rounds.onHeadRun(input.job, input.outcome, nowMs)
          : this.requester.onHeadRun(input.job, input.outcome, nowMs)
      case 'layer-hosted':
        return this.onLayerHosted(input, nowMs)
      case 'asked':
        this.requester.open(
          input.request,
          input.policy,
          nowMs,
          this.options.audits ? input.seed : undefined,
        )
        return []
      case 'stem-ready':
        return this.onStemReady(input.request, input.activation, nowMs)
      case 'stem-failed':
        return this.requester.stemFailed(input.request, input.reason)
      case 'cancelled':
        return this.rounds.has(input.request)
          ? this.rounds.cancel(input.request)
          : this.requester.cancel(input.request, nowMs)
      case 'paused':
        this.hosting.paused = input.paused
        return [...this.provider.setActive(!input.paused, nowMs), ...this.layersChanged(nowMs)]
      case 'capacity-set':
        return [...this.hosting.resize(input.layers, nowMs), ...this.layersChanged(nowMs)]
      case 'time-share-set':
        return this.onTimeShareSet(input.share, nowMs)
      case 'lanes-counted':
        this.membership.counted(input.lanes, nowMs)
        return []
      case 'release-judged':
        return this.onReleaseJudged(input.release, input.judgement, nowMs)
      case 'left':
        return this.onLeft()
      default:
        return input satisfies never
    }
  }

  private onPresence(from: PeerId, presence: Presence, nowMs: number): CoreEffect[] {
    if (!this.membership.concerns(presence)) return []
    if (presence.leaving) {
      // In another lane it finishes what it has in hand.
      return presence.moving ? this.forget(from, nowMs) : this.onDisconnected(from, nowMs)
    }
    if (!this.mixing.hear(from, presence)) return this.mixing.look([presence], nowMs)
    const effects = this.membership.hear(from, presence, nowMs)
    this.requester.onCoverage(nowMs)
    return effects
  }

  private onReleaseJudged(release: string, judgement: ReleaseJudgement, nowMs: number) {
    const effects: CoreEffect[] = this.mixing.judged(release, judgement, nowMs)
    for (const [peer, presence] of this.mixing.takeWaiting(release))
      effects.push(...this.onPresence(peer, presence, nowMs))
    return [...effects, ...this.entrance.onReleaseJudged(nowMs)]
  }

  private forget(peer: PeerId, nowMs: number): Effect[] {
    this.mixing.gone(peer)
    const effects = this.membership.forget(peer)
    this.requester.onCoverage(nowMs)
    return effects
  }

  private onDisconnected(peer: PeerId, nowMs: number): CoreEffect[] {
    return [
      ...this.forget(peer, nowMs),
      ...this.provider.onDisconnected(peer, nowMs),
      ...this.requester.onDisconnected(peer, nowMs),
      ...this.rounds.onDisconnected(peer, nowMs),
    ]
  }

  private onTime(nowMs: number): CoreEffect[] {
    const gone = this.membership.expire(nowMs)
    if (gone.length > 0) this.requester.onCoverage(nowMs)
    const { effects, changed } = this.hosting.place(nowMs, () => this.provider.trust(nowMs))
    return [
      ...gone,
      ...effects,
      ...this.membership.look(nowMs),
      ...(changed ? this.layersChanged(nowMs) : []),
      ...this.dispatcher.onTime(nowMs),
      ...this.provider.onTime(nowMs),
      ...this.requester.onTime(nowMs),
      ...this.rounds.onTime(nowMs),
      ...this.membership.speakIfDue(nowMs),
    ]
  }

  /** The first tensor of a request is here: it goes out in rounds where that was asked for, or should be quicker. */
  private onStemReady(request: RequestId, activation: Activation, nowMs: number): CoreEffect[] {
    const opening = this.requester.openings.get(request)
    const groups = opening && this.rounds.groupsFor(request, opening, activation, nowMs)
    if (opening === undefined || groups === undefined)
      return this.requester.begin(request, activation, nowMs)
    this.requester.openings.take(request)
    return this.rounds.begin(request, opening, { activation, groups }, nowMs)
  }

  private onLayerRun(input: Extract<Input, { on: 'layer-run' }>, nowMs: number): CoreEffect[] {
    const { job, outcome } = input
    if (job.owner === 'audit') return this.requester.onOwnRun(input, nowMs)
    const effects =
      job.owner === 'rounds'
        ? this.rounds.onLayerRun(job, outcome, nowMs)
        : this.provider.visits.onLayerRun(job, outcome, nowMs)
    const { throughput } = this.provider
    const said = throughput.isNewlyMeasured
      ? this.membership.announceNews(nowMs)
      : this.membership.announceSpeed(throughput.changeMs(), nowMs)
    return effects.concat(said)
  }

  private onLayerHosted(
    input: Extract<Input, { on: 'layer-hosted' }>,
    nowMs: number,
  ): CoreEffect[] {
    const { layer, failure } = input
    const isHosting = this.hosting.loading.has(layer)
    const effects = isHosting ? this.onHostingEnd(layer, failure, nowMs) : []
    return [...effects, ...this.requester.onOwnRun(input, nowMs)]
  }

  private onHostingEnd(layer: number, failure: string | undefined, nowMs: number): Effect[] {
    if (this.hosting.ended(layer, failure)) return this.layersChanged(nowMs)
    return [report({ type: 'layer-refused', layer, reason: failure ?? 'it was not loaded' })]
  }

  private onTimeShareSet(share: number, nowMs: number): Effect[] {
    const effects = this.provider.setTimeShare(share, nowMs)
    return [...effects, ...this.membership.announceNews(nowMs)]
  }

  private onLeft(): Effect[] {
    this.left = true
    return this.membership.farewell(false)
  }

  /** Leaves its lane for another one when that is due. */
  private moveIfDue(nowMs: number): Effect[] {
    if (this.left || !this.membership.isMoveDue(nowMs)) return []
    const effects = this.membership.move(nowMs)
    this.hosting.laneEntered(nowMs)
    this.requester.laneEntered(nowMs)
    return effects
  }

  private ownState() {
    return {
      announcement: () => this.announcement(),
      situation: (nowMs: number) => this.situation(nowMs),
      intervalPassed: () => this.provider.throughput.intervalPassed(),
    }
  }

  private situation(nowMs: number): LaneSituation {
    const { hosting, provider, requester } = this
    return {
      serves: hosting.serves,
      hosted: hosting.hosted,
      capacity: hosting.capacity,
      layers: this.options.shape.layers,
      isAtWork: provider.isAtWork,
      isAsking: requester.inFlight + this.rounds.inFlight > 0,
      isStarved: requester.isStarved(nowMs),
      isTrusting: provider.strangersFail <= STRANGERS_FAIL_START,
    }
  }

  private layersChanged(nowMs: number): Effect[] {
    return [
      report({ type: 'layers-changed', hosted: this.hosting.announced() }),
      ...this.membership.announceNews(nowMs),
      ...this.provider.bidOnIdle(nowMs),
    ]
  }

  private announcement(): Omit<Announcement, 'lane'> {
    const { neighbours } = this.options
    const throughput = this.provider.throughput.announce()
    return {
      ...throughput,
      freeSlots: this.hosting.serves ? throughput.freeSlots : 0,
      layers: this.hosting.announced(),
      strangersFail: this.provider.strangersFail,
      near: neighbours().map((peer) =>
        this.neighbourhood.neighbour(peer, this.provider.vouchesFor(peer)),
      ),
    }
  }
}

function report(event: MemberEvent): Effect {
  return { do: 'report', event }
}
