import type { CoreOptions } from './core-options.ts'
import type { CoreEffect, Effect, Input, MemberEvent } from './effects.ts'
import { stepFault } from './gate/step-fault.ts'
import { Jobs } from './jobs.ts'
import { LaneKeeper, type LaneSituation } from './lanes/keeper.ts'
import { type Announcement, Announcing } from './presence/announcing.ts'
import { Hosting } from './presence/hosting.ts'
import { Neighbourhood } from './presence/neighbourhood.ts'
import { PeerTable } from './presence/peer-table.ts'
import { Welcome } from './presence/welcome.ts'
import { Provider } from './provider/provider.ts'
import { Requester } from './requester/requester.ts'
import { type MemberSnapshot, reasonOf } from './snapshot.ts'
import type { Message, PeerId, Presence, Step } from './wire/messages.ts'

/**
 * One member of a lane, as a pure machine: inputs and the time go in, effects come out.
 *
 * 1. Messages that `stepFault` refuses change nothing.
 * 2. Its own steps and claims go through the same handlers as everybody's.
 * 3. Presence tells the truth: a layer is announced once it is loaded and no longer than that.
 * 4. It is in one lane at a time and knows nobody of another; what it has in hand when it moves goes on
 *    over the connections that stand.
 * 5. After `left` it publishes nothing more.
 */
export class Core {
  private readonly options: CoreOptions
  private readonly table: PeerTable
  private readonly neighbourhood: Neighbourhood
  private readonly hosting: Hosting
  private readonly announcing: Announcing
  private readonly welcome = new Welcome()
  private readonly keeper: LaneKeeper
  private readonly provider: Provider
  private readonly requester: Requester
  private left = false

  constructor(options: CoreOptions, nowMs: number) {
    this.options = options
    this.table = new PeerTable(options.release)
    const { self, serve, capacity, shape } = options
    this.hosting = new Hosting({ self, serve, capacity, layers: shape.layers }, this.table, nowMs)
    this.neighbourhood = new Neighbourhood(self, options)
    this.announcing = new Announcing(options, nowMs)
    this.keeper = new LaneKeeper(options, this.table, nowMs)
    const jobs = new Jobs()
    this.provider = new Provider(
      options,
      this.table,
      this.neighbourhood,
      this.hosting.hosted,
      jobs.of('provider'),
    )
    this.requester = new Requester(options, this.table, jobs, nowMs)
  }

  handle(input: Input, nowMs: number): Effect[] {
    if (this.left) return []
    const effects = this.settle(this.react(input, nowMs), nowMs)
    return this.keeper.wantsToMove ? effects.concat(this.moveIfDue(nowMs)) : effects
  }

  /** The lane that it is in. */
  get lane(): number {
    return this.keeper.lane
  }

  /** When `{ on: 'time' }` is due next, milliseconds; Infinity once it has left. */
  wakeAtMs(): number {
    if (this.left) return Number.POSITIVE_INFINITY
    return Math.min(
      this.announcing.wakeAtMs(),
      this.welcome.wakeAtMs(),
      this.keeper.wakeAtMs(),
      this.hosting.wakeAtMs(),
      this.table.nextExpiryMs(),
      this.provider.wakeAtMs(),
      this.requester.wakeAtMs(),
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
        backend: presence.backend,
        layerMs: presence.layerMs,
        freeSlots: presence.freeSlots,
        ageMs: nowMs - heardAtMs,
      })),
      coverage,
      ...state,
      following: this.provider.followed,
      requestsInFlight: this.requester.inFlight,
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
        return this.onMessage(input.from, input.message, nowMs)
      case 'time':
        return this.onTime(nowMs)
      case 'disconnected':
        return this.onDisconnected(input.peer, nowMs)
      case 'pulled':
        return input.job.owner === 'provider'
          ? this.provider.onPulled(input.job, input.bytes, nowMs)
          : this.requester.onPulled(input.job, input.bytes, nowMs)
      case 'prepared':
        return input.job.owner === 'provider'
          ? this.provider.onPrepared(input.job, input.activation, nowMs)
          : this.requester.onPrepared(input.job, input.activation, nowMs)
      case 'layer-run':
        return this.onLayerRun(input, nowMs)
      case 'head-run':
        return this.requester.onHeadRun(input.job, input.outcome, nowMs)
      case 'layer-hosted':
        return this.onLayerHosted(input.layer, input.failure, nowMs)
      case 'classify':
        return this.requester.classify(input.request, input.activation, input.policy, nowMs)
      case 'cancelled':
        return this.requester.cancel(input.request)
      case 'paused':
        this.hosting.paused = input.paused
        return [...this.provider.setActive(!input.paused, nowMs), ...this.layersChanged(nowMs)]
      case 'capacity-set':
        return [...this.hosting.resize(input.layers, nowMs), ...this.layersChanged(nowMs)]
      case 'time-share-set':
        return this.onTimeShareSet(input.share, nowMs)
      case 'lanes-counted':
        this.keeper.counted(input.lanes, this.situation(), nowMs)
        return []
      case 'left':
        return this.onLeft()
      default:
        return input satisfies never
    }
  }

  /** What this member says to others and to itself, it hears itself; what its parts ask of one another is done. */
  private settle(queue: CoreEffect[], nowMs: number): Effect[] {
    const settled: Effect[] = []
    for (let i = 0; i < queue.length; i++) {
      const effect = queue[i] as CoreEffect
      switch (effect.do) {
        case 'lead':
          queue.push(...this.provider.lead(effect.step, effect.suspect, nowMs))
          break
        case 'finish':
          queue.push(...this.finish(effect.step, effect.isPublic, nowMs))
          break
        case 'publish':
          settled.push(effect)
          if (effect.message.kind !== 'presence')
            queue.push(...this.dispatch(this.options.self, effect.message, nowMs))
          break
        case 'tell':
          settled.push(effect)
          queue.push(...this.overhear(effect.message, nowMs))
          break
        default:
          settled.push(effect)
      }
    }
    return settled
  }

  /** A request of this member's own has ended: whoever holds something for it lets go. */
  private finish({ request, route }: Step, isPublic: boolean, nowMs: number): CoreEffect[] {
    const { told, effects } = this.provider.finish(request, nowMs)
    const message = { kind: 'done', request, isPublic } as const
    const to = new Set([...route.map(({ peer }) => peer), ...told])
    to.delete(this.options.self)
    const { witnesses } = this.options.policy
    const published: CoreEffect[] =
      isPublic || witnesses === 'lane' ? [{ do: 'publish', message }] : []
    return [...effects, { do: 'tell', message, to: [...to] }, ...published]
  }

  /** What this member tells others of a request of its own concerns its requester too. */
  private overhear(message: Message, nowMs: number): CoreEffect[] {
    if (message.kind === 'step') return this.requester.onStep(this.options.self, message, nowMs)
    if (message.kind === 'claim') return this.requester.onClaim(this.options.self, message, nowMs)
    return []
  }

  private onMessage(from: PeerId, message: Message, nowMs: number): CoreEffect[] {
    if (message.kind === 'step') {
      const fault = stepFault(message, from, this.options.shape)
      if (fault !== undefined) return [report({ type: 'message-refused', from, reason: fault })]
    }
    return this.dispatch(from, message, nowMs)
  }

  private dispatch(from: PeerId, message: Message, nowMs: number): CoreEffect[] {
    switch (message.kind) {
      case 'step':
        return [
          report({ type: 'step-seen', request: message.request, route: message.route }),
          ...this.provider.onStep(from, message, nowMs),
          ...this.requester.onStep(from, message, nowMs),
          ...this.requester.onLate(from, message.request),
        ]
      case 'claim':
        // The provider that claimed knows; only others' claims are news to it.
        return [
          ...(from === this.options.self ? [] : this.provider.onClaim(from, message, nowMs)),
          ...this.requester.onClaim(from, message, nowMs),
          ...this.requester.onLate(from, message.request),
        ]
      case 'done':
        return this.provider.onDone(from, message, nowMs)
      case 'again':
        return this.provider.onAgain(from, message, nowMs)
      case 'presence':
        return this.onPresence(from, message, nowMs)
      default:
        return message satisfies never
    }
  }

  private onPresence(from: PeerId, presence: Presence, nowMs: number): CoreEffect[] {
    if (presence.release !== this.options.release || presence.lane !== this.lane) return []
    if (presence.leaving)
      return presence.moving ? this.onMoved(from, nowMs) : this.onDisconnected(from, nowMs)
    const isNew = this.table.hear(from, presence, nowMs)
    this.neighbourhood.hear(from, presence)
    this.requester.onCoverage(nowMs)
    if (!presence.asking && !isNew) return []
    this.keeper.joined(this.situation().serves, nowMs)
    this.welcome.owe(from, nowMs)
    const joined = isNew ? [report({ type: 'peer-joined', peer: from })] : []
    return [...joined, ...this.welcomeReached(nowMs)]
  }

  /** Newcomers alone are answered: the others know this member. */
  private welcomeReached(nowMs: number): Effect[] {
    const to = this.welcome.take((peer) => this.neighbourhood.reaches(peer), nowMs)
    if (to.length === 0) return []
    return [{ do: 'tell', message: this.announcing.welcome(this.announcement()), to }]
  }

  /** It is in another lane: nobody chooses it any more, and what it has in hand it finishes. */
  private onMoved(peer: PeerId, nowMs: number): CoreEffect[] {
    const known = this.table.get(peer) !== undefined
    this.table.forget(peer)
    this.neighbourhood.forget(peer)
    this.requester.onCoverage(nowMs)
    return known ? [report({ type: 'peer-left', peer })] : []
  }

  private onDisconnected(peer: PeerId, nowMs: number): CoreEffect[] {
    const known = this.table.get(peer) !== undefined
    this.table.forget(peer)
    this.neighbourhood.forget(peer)
    this.requester.onCoverage(nowMs)
    const effects: CoreEffect[] = this.provider.onDisconnected(peer, nowMs)
    effects.push(...this.requester.onDisconnected(peer, nowMs))
    return known ? [report({ type: 'peer-left', peer }), ...effects] : effects
  }

  private onTime(nowMs: number): CoreEffect[] {
    const gone = this.table.expire(nowMs)
    for (const peer of gone) this.neighbourhood.forget(peer)
    if (gone.length > 0) this.requester.onCoverage(nowMs)
    const { effects, changed } = this.hosting.place(nowMs)
    return [
      ...gone.map((peer) => report({ type: 'peer-left', peer })),
      ...effects,
      ...(this.keeper.look(nowMs) ? [{ do: 'count-lanes' } as const] : []),
      ...(changed ? this.layersChanged(nowMs) : []),
      ...this.provider.onTime(nowMs),
      ...this.requester.onTime(nowMs),
      ...this.announceIfDue(nowMs),
      ...this.welcomeReached(nowMs),
    ]
  }

  private onLayerRun(
    { job, outcome }: Extract<Input, { on: 'layer-run' }>,
    nowMs: number,
  ): Effect[] {
    const effects = this.provider.onLayerRun(job, outcome, nowMs)
    const { throughput } = this.provider
    if (throughput.isNewlyMeasured) this.announcing.hasNews(nowMs)
    else if (!this.announcing.isSpeedNews(throughput.changeMs(), nowMs)) return effects
    return effects.concat(this.announceIfDue(nowMs))
  }

  private onLayerHosted(layer: number, failure: string | undefined, nowMs: number): Effect[] {
    if (this.hosting.ended(layer, failure)) return this.layersChanged(nowMs)
    return [report({ type: 'layer-refused', layer, reason: failure ?? 'it was not loaded' })]
  }

  private onTimeShareSet(share: number, nowMs: number): Effect[] {
    const effects = this.provider.setTimeShare(share, nowMs)
    this.announcing.hasNews(nowMs)
    return [...effects, ...this.announceIfDue(nowMs)]
  }

  private onLeft(): Effect[] {
    this.left = true
    const message = this.announcing.farewell(this.announcement(), false)
    return [{ do: 'publish', message }]
  }

  /** Leaves its lane for another one when the keeper says so. */
  private moveIfDue(nowMs: number): Effect[] {
    if (this.left || !this.keeper.isDue(this.situation(), nowMs)) return []
    const farewell = this.announcing.farewell(this.announcement(), true)
    const lane = this.keeper.move(nowMs)
    const gone = this.table.clear()
    this.neighbourhood.clear()
    this.welcome.clear()
    this.announcing.laneEntered(nowMs)
    this.hosting.laneEntered(nowMs)
    this.requester.laneEntered(nowMs)
    return [
      { do: 'publish', message: farewell },
      { do: 'enter', lane },
      ...gone.map((peer) => report({ type: 'peer-left', peer })),
      report({ type: 'lane-entered', lane }),
      ...this.announceIfDue(nowMs),
    ]
  }

  private situation(): LaneSituation {
    const { hosting, provider, requester } = this
    return {
      serves: hosting.capacity > 0 && !hosting.paused,
      hosted: hosting.hosted,
      capacity: hosting.capacity,
      layers: this.options.shape.layers,
      isAtWork: provider.isAtWork,
      isAsking: requester.inFlight > 0,
    }
  }

  private layersChanged(nowMs: number): Effect[] {
    this.announcing.hasNews(nowMs)
    return [
      report({ type: 'layers-changed', hosted: this.hosting.announced() }),
      ...this.announceIfDue(nowMs),
      ...this.provider.bidOnIdle(nowMs),
    ]
  }

  private announceIfDue(nowMs: number): Effect[] {
    if (!this.announcing.takeTurn(nowMs)) return []
    this.provider.throughput.intervalPassed()
    const isAwaited = this.welcome.owesUnreached((peer) => this.neighbourhood.reaches(peer))
    const message = this.announcing.presence(this.announcement(), isAwaited)
    return [{ do: 'publish', message }]
  }

  private announcement(): Announcement {
    const { neighbours } = this.options
    return {
      lane: this.lane,
      ...this.provider.throughput.announce(),
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
