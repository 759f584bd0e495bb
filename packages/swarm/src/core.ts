import type { EngineName } from '@layerswarm/model'
import type { Effect, Input, MemberEvent } from './effects.ts'
import { stepFault } from './gate/step-fault.ts'
import {
  CLAIM_STAGGER_MS,
  JOIN_LISTEN_MS,
  PRESENCE_INTERVAL_MS,
  SLOTS_DEFAULT,
  SPEED_NEWS_INTERVAL_MS,
  SPEED_NEWS_MS,
} from './limits.ts'
import { PeerTable } from './presence/peer-table.ts'
import { rarestLayers, rebalance } from './presence/placement.ts'
import { Provider } from './provider/provider.ts'
import { Requester } from './requester/requester.ts'
import type { ModelShape } from './step.ts'
import type { Message, PeerId, Presence } from './wire/messages.ts'

export interface CoreOptions {
  /** Hash of the release's manifest, hex. */
  readonly release: string
  readonly shape: ModelShape
  readonly self: PeerId
  readonly backend: EngineName
  /** Fixed layers, or `auto` to take the rarest. */
  readonly serve: 'auto' | readonly number[]
  /** Layers to host in `auto`; 0 asks only. */
  readonly capacity: number
  readonly slots: number
  /** Share of the time that layer runs may take, above 0 and at most 1. */
  readonly timeShare: number
  readonly staggerMs: number
  /** Where others can dial this member, as multiaddrs. */
  readonly addresses: () => readonly string[]
  /** How many members of the lane hear this one directly. */
  readonly links: () => number
}

export const CORE_OPTIONS_DEFAULT = Object.freeze({
  serve: 'auto' as const,
  capacity: 0,
  slots: SLOTS_DEFAULT,
  timeShare: 1,
  staggerMs: CLAIM_STAGGER_MS,
  addresses: () => [],
  links: () => 0,
})

/** A member as plain data. */
export interface MemberSnapshot {
  readonly self: PeerId
  readonly release: string
  readonly hosted: readonly number[]
  readonly loading: readonly number[]
  readonly paused: boolean
  readonly peers: readonly {
    readonly peer: PeerId
    readonly layers: readonly number[]
    readonly backend: EngineName
    readonly layerMs: number
    readonly freeSlots: number
    readonly ageMs: number
  }[]
  /** Living hosts of each layer, this member included. */
  readonly coverage: readonly number[]
  readonly served: number
  readonly layerMs: number
  /** Part of the time that layer runs may take. */
  readonly timeShare: number
  readonly following: number
  readonly requestsInFlight: number
  /** What it is doing, or why nothing happens; for people. */
  readonly reason: string
}

/**
 * One member of a lane, as a pure machine: inputs and the time go in, effects come out.
 *
 * 1. Messages that `stepFault` refuses change nothing.
 * 2. Its own steps and claims go through the same handlers as everybody's.
 * 3. Presence tells the truth: a layer is announced once it is loaded and no longer than that.
 * 4. After `left` it publishes nothing more.
 */
export class Core {
  private readonly options: CoreOptions
  private readonly table: PeerTable
  private readonly provider: Provider
  private readonly requester: Requester
  private readonly loading = new Set<number>()
  private readonly refused = new Set<number>()
  private capacity: number
  private paused = false
  private left = false
  private sequence = 0
  private round = 0
  private jobs = 0
  private asking = true
  private presenceAtMs: number
  /** A change of speed is announced no sooner than this. */
  private speedAtMs = 0
  private placeAtMs: number

  constructor(options: CoreOptions, nowMs: number) {
    this.options = options
    this.capacity = options.serve === 'auto' ? options.capacity : options.serve.length
    this.table = new PeerTable(options.release)
    const nextJob = () => ++this.jobs
    this.provider = new Provider(options, this.table, nextJob)
    this.requester = new Requester(options, this.table, nextJob)
    this.presenceAtMs = nowMs
    this.placeAtMs = options.serve === 'auto' ? nowMs + JOIN_LISTEN_MS : nowMs
  }

  handle(input: Input, nowMs: number): Effect[] {
    if (this.left) return []
    return this.settle(this.react(input, nowMs), nowMs)
  }

  /** When `{ on: 'time' }` is due next. */
  wakeAtMs(): number {
    if (this.left) return Number.POSITIVE_INFINITY
    return Math.min(
      this.presenceAtMs,
      this.placeAtMs,
      this.table.nextExpiryMs(),
      this.provider.wakeAtMs(),
      this.requester.wakeAtMs(),
    )
  }

  snapshot(nowMs: number): MemberSnapshot {
    const { self, release, shape } = this.options
    return {
      self,
      release,
      hosted: this.announced(),
      loading: [...this.loading],
      paused: this.paused,
      peers: [...this.table.all()].map(({ peer, presence, heardAtMs }) => ({
        peer,
        layers: presence.layers,
        backend: presence.backend,
        layerMs: presence.layerMs,
        freeSlots: presence.freeSlots,
        ageMs: nowMs - heardAtMs,
      })),
      coverage: this.coverage().map(
        (hosts, layer) => hosts + (this.announced().includes(layer) ? 1 : 0),
      ),
      served: this.provider.served,
      layerMs: this.provider.layerMs,
      timeShare: this.provider.timeShare,
      following: this.provider.following,
      requestsInFlight: this.requester.inFlight,
      reason: this.reason(shape.layers, nowMs),
    }
  }

  private react(input: Input, nowMs: number): Effect[] {
    switch (input.on) {
      case 'message':
        return this.onMessage(input.from, input.message, nowMs)
      case 'time':
        return this.onTime(nowMs)
      case 'disconnected':
        return this.onDisconnected(input.peer, nowMs)
      case 'pulled':
        return (
          this.provider.onPulled(input.job, input.bytes, nowMs) ??
          this.requester.onPulled(input.job, input.bytes, nowMs) ??
          []
        )
      case 'prepared':
        return this.requester.onPrepared(input.job, input.activation, nowMs)
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
        return this.onPaused(input.paused, nowMs)
      case 'capacity-set':
        return this.onCapacitySet(input.layers, nowMs)
      case 'time-share-set':
        return this.onTimeShareSet(input.share, nowMs)
      case 'left':
        return this.onLeft()
      default:
        return input satisfies never
    }
  }

  /** What this member publishes, it hears itself: the author of a step may bid on the next one. */
  private settle(effects: Effect[], nowMs: number): Effect[] {
    const settled: Effect[] = []
    const queue = effects
    for (let i = 0; i < queue.length; i++) {
      const effect = queue[i] as Effect
      settled.push(effect)
      if (effect.do === 'publish' && effect.message.kind !== 'presence') {
        queue.push(...this.dispatch(this.options.self, effect.message, nowMs))
      }
    }
    return settled
  }

  private onMessage(from: PeerId, message: Message, nowMs: number): Effect[] {
    if (message.kind === 'step') {
      const fault = stepFault(message, from, this.options.shape)
      if (fault !== undefined) return [report({ type: 'message-refused', from, reason: fault })]
    }
    return this.dispatch(from, message, nowMs)
  }

  private dispatch(from: PeerId, message: Message, nowMs: number): Effect[] {
    switch (message.kind) {
      case 'step':
        return [
          report({ type: 'step-seen', request: message.request, route: message.route }),
          ...this.provider.onStep(from, message, nowMs),
          ...this.requester.onStep(message, nowMs),
        ]
      case 'claim':
        // The provider that claimed knows; only others' claims are news to it.
        return [
          ...(from === this.options.self ? [] : this.provider.onClaim(from, message, nowMs)),
          ...this.requester.onClaim(from, message, nowMs),
        ]
      case 'done':
        return this.provider.onDone(from, message, nowMs)
      case 'presence':
        return this.onPresence(from, message, nowMs)
      default:
        return message satisfies never
    }
  }

  private onPresence(from: PeerId, presence: Presence, nowMs: number): Effect[] {
    if (presence.release !== this.options.release) return []
    if (presence.leaving) return this.onDisconnected(from, nowMs)
    const isNew = this.table.hear(from, presence, nowMs)
    this.requester.onCoverage(nowMs)
    if (presence.asking || isNew) this.presenceAtMs = Math.min(this.presenceAtMs, nowMs)
    const effects: Effect[] = isNew ? [report({ type: 'peer-joined', peer: from })] : []
    return presence.asking || isNew ? effects.concat(this.announceIfDue(nowMs)) : effects
  }

  private onDisconnected(peer: PeerId, nowMs: number): Effect[] {
    const known = this.table.get(peer) !== undefined
    this.table.forget(peer)
    this.requester.onCoverage(nowMs)
    const effects = this.provider.onDisconnected(peer, nowMs)
    return known ? [report({ type: 'peer-left', peer }), ...effects] : effects
  }

  private onTime(nowMs: number): Effect[] {
    const before = [...this.table.all()].map(({ peer }) => peer)
    this.table.expire(nowMs)
    const gone = before.filter((peer) => this.table.get(peer) === undefined)
    if (gone.length > 0) this.requester.onCoverage(nowMs)
    return [
      ...gone.map((peer) => report({ type: 'peer-left', peer })),
      ...this.place(nowMs),
      ...this.provider.onTime(nowMs),
      ...this.requester.onTime(nowMs),
      ...this.announceIfDue(nowMs),
    ]
  }

  private onLayerRun(
    { job, outcome }: Extract<Input, { on: 'layer-run' }>,
    nowMs: number,
  ): Effect[] {
    const effects = this.provider.onLayerRun(job, outcome, nowMs)
    const { paceMs, announcedMs } = this.provider
    const isNews = Math.abs(paceMs - announcedMs) > SPEED_NEWS_MS && nowMs >= this.speedAtMs
    if (!isNews) return effects
    this.speedAtMs = nowMs + SPEED_NEWS_INTERVAL_MS
    this.presenceAtMs = nowMs
    return effects.concat(this.announceIfDue(nowMs))
  }

  private onLayerHosted(layer: number, failure: string | undefined, nowMs: number): Effect[] {
    this.loading.delete(layer)
    if (failure !== undefined) {
      this.refused.add(layer)
      return [report({ type: 'layer-refused', layer, reason: failure })]
    }
    this.provider.hosted.add(layer)
    return this.layersChanged(nowMs)
  }

  private onPaused(paused: boolean, nowMs: number): Effect[] {
    this.paused = paused
    return [...this.provider.setActive(!paused, nowMs), ...this.layersChanged(nowMs)]
  }

  private onCapacitySet(layers: number, nowMs: number): Effect[] {
    this.capacity = layers
    const coverage = this.coverage()
    const surplus = [...this.provider.hosted]
      .sort((a, b) => (coverage[b] as number) - (coverage[a] as number))
      .slice(0, Math.max(0, this.provider.hosted.size - layers))
    for (const layer of surplus) this.provider.hosted.delete(layer)
    this.placeAtMs = nowMs
    const dropped: Effect[] = surplus.map((layer) => ({ do: 'drop-layer', layer }))
    return [...dropped, ...this.layersChanged(nowMs)]
  }

  private onTimeShareSet(share: number, nowMs: number): Effect[] {
    const effects = this.provider.setTimeShare(share, nowMs)
    this.presenceAtMs = nowMs
    return [...effects, ...this.announceIfDue(nowMs)]
  }

  private onLeft(): Effect[] {
    const farewell = this.presence(true)
    this.left = true
    return [{ do: 'publish', message: farewell }]
  }

  /** Takes layers at the start, and mends coverage ever after. */
  private place(nowMs: number): Effect[] {
    if (nowMs < this.placeAtMs) return []
    const { serve, self } = this.options
    if (serve !== 'auto') {
      this.placeAtMs = Number.POSITIVE_INFINITY
      return this.host(serve)
    }
    this.placeAtMs = nowMs + PRESENCE_INTERVAL_MS
    if (this.paused || this.loading.size > 0) return []
    const { hosted } = this.provider
    const free = this.capacity - hosted.size
    if (free > 0) {
      const taken = this.strength().map((hosts, layer) =>
        hosted.has(layer) || this.refused.has(layer) ? Number.POSITIVE_INFINITY : hosts,
      )
      const wanted = rarestLayers(taken, free, self).filter(
        (layer) => taken[layer] !== Number.POSITIVE_INFINITY,
      )
      if (wanted.length > 0) return this.host(wanted)
    }
    const swap = rebalance(
      this.strength(),
      hosted,
      this.capacity,
      self,
      this.table.size,
      this.round++,
    )
    if (swap === undefined || this.refused.has(swap.host)) return []
    if (swap.drop === undefined) return this.host([swap.host])
    hosted.delete(swap.drop)
    return [
      { do: 'drop-layer', layer: swap.drop },
      ...this.host([swap.host]),
      ...this.layersChanged(nowMs),
    ]
  }

  private host(layers: readonly number[]): Effect[] {
    for (const layer of layers) this.loading.add(layer)
    return layers.map((layer) => ({ do: 'host-layer', layer }))
  }

  private layersChanged(nowMs: number): Effect[] {
    this.presenceAtMs = nowMs
    return [
      report({ type: 'layers-changed', hosted: this.announced() }),
      ...this.announceIfDue(nowMs),
      ...this.provider.hostsChanged(nowMs),
    ]
  }

  private announceIfDue(nowMs: number): Effect[] {
    if (nowMs < this.presenceAtMs) return []
    this.presenceAtMs = nowMs + PRESENCE_INTERVAL_MS
    this.provider.rest()
    const message = this.presence(false)
    this.asking = false
    return [{ do: 'publish', message }]
  }

  private presence(leaving: boolean): Presence {
    const { release, backend, addresses, links } = this.options
    return {
      kind: 'presence',
      release,
      sequence: this.sequence++,
      layers: leaving ? [] : this.announced(),
      freeSlots: Math.min(255, this.provider.freeSlots),
      links: Math.min(65_535, links()),
      layerMs: this.announceSpeed(),
      backend,
      addresses: addresses(),
      asking: this.asking && !leaving,
      leaving,
    }
  }

  private announceSpeed(): number {
    this.provider.announcedMs = this.provider.paceMs
    return this.provider.announcedMs
  }

  private announced(): number[] {
    return this.paused ? [] : [...this.provider.hosted].sort((a, b) => a - b)
  }

  private strength(): number[] {
    return this.table.strength(this.options.shape.layers)
  }

  private coverage(): number[] {
    return this.table.coverage(this.options.shape.layers)
  }

  private reason(layers: number, nowMs: number): string {
    if (this.paused) return 'paused: hosts nothing until resumed'
    if (this.loading.size > 0) return `loading ${plural(this.loading.size, 'layer')}`
    const hosted = this.provider.hosted.size
    if (this.provider.jobs > 0) return 'computing'
    if (this.provider.isResting(nowMs)) return 'resting: it serves a share of the time only'
    if (hosted === 0 && this.capacity > 0) return 'listening to choose the rarest layers'
    const peers = plural(this.table.size, 'other peer')
    if (hosted === 0) return `connected to ${peers}, hosting nothing`
    const missing = this.coverage().filter(
      (hosts, layer) => hosts === 0 && !this.provider.hosted.has(layer),
    ).length
    if (missing > 0)
      return `waiting for requests with ${peers}; ${missing} of ${layers} layers have no host yet`
    return `waiting for requests with ${peers}`
  }
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function report(event: MemberEvent): Effect {
  return { do: 'report', event }
}
