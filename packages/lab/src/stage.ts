import { type ClaimPolicy, type Message, type PeerId, POLICY_DEFAULT } from '@layerswarm/swarm'
import { SeededRandom, VirtualClock } from '@layerswarm/swarm/testing'
import { Animation } from './animation.ts'
import { AttackWatch } from './attack-watch.ts'
import { AuditWatch } from './audit-report.ts'
import { Departures } from './departures.ts'
import {
  DRAIN_MS_MAX,
  DRAIN_STEP_MS,
  DRAINED_PEERS_MAX,
  HOLDINGS_CHECKED_MAX,
  RUN_STEP_MS,
  SAMPLE_MS,
  STUCK_MS,
} from './limits.ts'
import { LabNetwork } from './network/gossip.ts'
import type { LabStation } from './network/lane.ts'
import { Trace } from './network/trace.ts'
import { sentBytes } from './network/traffic.ts'
import type { Life } from './newcomers.ts'
import { OnlyCopyCrashes } from './only-copy.ts'
import type { AskPolicy, Scene } from './policies/policy.ts'
import { Referee } from './referee.ts'
import type { RequestRecord } from './request-record.ts'
import { alignedBlocks, servedBy } from './residents/blocks.ts'
import type { WorkBook } from './residents/lab-compute.ts'
import { type Resident, settle } from './residents/resident.ts'
import type { Hosted } from './scenarios/hosted.ts'
import type { Order, Session } from './scenarios/population.ts'
import { peerName, populate, workload } from './scenarios/population.ts'
import type { Settings } from './scenarios/settings.ts'

/** The swarm at one moment. */
export interface Moment {
  readonly atMs: number
  /** Providers that are there and awake. */
  readonly peers: number
  /** Hosts of the rarest layer, on average over the lanes. */
  readonly rarest: number
  /** Lanes with a provider in them. */
  readonly lanes: number
  readonly openRequests: number
  readonly answered: number
}

/** What of a stage differs between policies. */
export interface StageOptions {
  /** Who claims a step, and when, in every member; what ships unless given. */
  readonly claimPolicy?: ClaimPolicy | undefined
  /** Providers host aligned blocks of neighbouring layers, as servers of a chain do, and keep them. */
  readonly inBlocks?: boolean
  /** What the providers of the start host, and keep; they take what is rarest unless given. */
  readonly hosted?: Hosted
  /** Asked once a second with all requests so far: true ends the run there, with requests open and promises unchecked. */
  readonly isEnough?: (records: readonly RequestRecord[], nowMs: number) => boolean
}

/** One world with one policy in it: the same seed gives every policy the same peers, links and requests. */
export class Stage implements Scene {
  readonly clock = new VirtualClock()
  readonly trace = new Trace()
  readonly network: LabNetwork
  readonly referee: Referee
  readonly book: WorkBook = { runs: 0, runMs: 0 }
  readonly records: RequestRecord[] = []
  readonly timeline: Moment[] = []
  readonly animation = new Animation()
  readonly onlyCopy: OnlyCopyCrashes
  readonly audits = new AuditWatch()
  readonly settings: Settings
  readonly seed: number
  private readonly claimPolicy: ClaimPolicy
  private readonly isEnough: NonNullable<StageOptions['isEnough']>
  /** What a provider may host, when it is not what is rarest. */
  private readonly blocks: readonly (readonly number[])[]
  private readonly hosted: Hosted
  /** Stations that are gone, for their traffic. */
  readonly past: LabStation[] = []
  /** Of honest providers that are gone. */
  readonly lives: Life[] = []
  readonly residents = new Map<PeerId, Resident>()
  /** What was sent when the first request was made and when the last one ended, between them is work. */
  readonly working = { fromMs: 0, untilMs: 0, controlBytes: 0, bytes: 0 }
  private readonly departures: Departures
  private readonly askers: Resident[] = []
  private readonly policy: AskPolicy
  private readonly sessions: readonly Session[]
  private readonly orders: readonly Order[]
  private spentSeconds = 0
  private fired = 0
  private open = 0
  private answered = 0
  private stopped = false
  /** Who came back after a crash; their indices follow those of the sessions. */
  private reborn = 0
  private readonly watch: AttackWatch

  constructor(
    settings: Settings,
    seed: number,
    createPolicy: (scene: Scene) => AskPolicy,
    options: StageOptions = {},
  ) {
    const { claimPolicy = POLICY_DEFAULT, inBlocks = false, isEnough = () => false } = options
    this.claimPolicy = claimPolicy
    this.isEnough = isEnough
    this.blocks = inBlocks ? alignedBlocks(settings) : []
    this.hosted = options.hosted ?? []
    this.settings = settings
    this.seed = seed
    this.orders = workload(settings, seed)
    this.sessions = populate(settings, seed, this.endMs())
    this.onlyCopy = new OnlyCopyCrashes(
      settings['crash.onlyCopyEvery'],
      settings['model.layers'],
      seed,
    )
    const dishonest = ['liars.share', 'sybils.share', 'accusers.share'] as const
    const honest = dishonest.every((share) => settings[share] === 0)
    this.referee = new Referee(honest)
    this.network = new LabNetwork(this.clock, settings, seed, this.trace, {
      published: (from, message, bytes) => this.published(from, message, bytes),
      pullAsked: (holder) => this.departures.mayCrash(holder.session, 'crash.onPull'),
    })
    this.departures = new Departures({
      clock: this.clock,
      settings,
      faults: SeededRandom.stream(seed, 'faults'),
      network: this.network,
      referee: this.referee,
      residents: this.residents,
      left: (resident) => this.left(resident),
    })
    this.working.fromMs = settings['requests.warmupMs']
    this.watch = new AttackWatch(this.clock, settings, this.residents)
    this.policy = createPolicy(this)
  }

  /** Sum of the time that all peers spent in the swarm while requests were open, seconds. */
  get peerSeconds(): number {
    return this.spentSeconds
  }

  /** Events of the whole run. */
  get events(): number {
    return this.fired
  }

  /** After how much of the attack nobody had a connection to the attacker any more, milliseconds; undefined where it stayed. */
  get hungUpMs(): number | undefined {
    return this.watch.hungUpMs
  }

  /** Whether it ended before every request had, because it was enough. */
  get isStopped(): boolean {
    return this.stopped
  }

  /** Runs until every request has ended. */
  run(onProgress: (done: number, of: number) => void = () => {}): void {
    this.scheduleSessions(0)
    this.scheduleOrders(0)
    this.scheduleWeather()
    this.watch.start()
    this.sample()
    this.clock.wakeAt(this.settings['requests.warmupMs'], () => this.beginsWork())
    const total = this.orders.length
    for (;;) {
      const before = this.records.length
      try {
        this.fired += this.clock.run(
          this.clock.nowMs() + RUN_STEP_MS,
          () => this.stopped || (this.records.length >= total && this.open === 0),
        )
      } catch (error) {
        this.referee.threw(error, this.clock.nowMs())
        break
      }
      onProgress(this.records.length - this.open, total)
      if (this.stopped || (this.records.length >= total && this.open === 0)) break
      if (this.clock.nowMs() > this.endMs() + STUCK_MS && before === this.records.length) break
    }
    this.endsWork()
    if (!this.stopped) {
      this.drain()
      this.referee.finish(this.clock.nowMs())
    }
    for (const resident of this.residents.values()) this.count(resident)
  }

  /** No request can be open after this. */
  private endMs(): number {
    const last = this.orders.at(-1)?.atMs ?? 0
    return last + this.settings['requests.deadlineMs'] + 1_000
  }

  /**
   * Waits until nobody follows or holds anything any more. Providers count a deadline from when they
   * heard of it, so slow links, slow readers and frozen tabs let them hold on for a while longer.
   */
  private drain(): void {
    if (this.settings['peers.count'] > DRAINED_PEERS_MAX || this.settings['flooders.count'] > 0)
      return
    const patienceMs = this.settings['requests.deadlineMs'] + DRAIN_MS_MAX
    let untilMs = this.clock.nowMs() + patienceMs
    for (let keepers = this.keepers(); keepers.length > 0; keepers = this.keepers()) {
      const reads = keepers.map(({ transport }) => transport.station.access.readsUntilMs)
      untilMs = Math.max(untilMs, Math.max(...reads) + patienceMs)
      if (this.clock.nowMs() >= untilMs) break
      this.fired += this.clock.run(this.clock.nowMs() + DRAIN_STEP_MS)
    }
    const nowMs = this.clock.nowMs()
    for (const { member, transport } of this.keepers())
      this.referee.holdsNothing(transport.station, member?.snapshot().following ?? 0, nowMs)
  }

  /** Honest peers that still follow a request or hold a tensor. */
  private keepers(): Resident[] {
    return [...this.residents.values()].filter(({ member, transport, session }) => {
      if (member === undefined || transport.station.frozen || session.actor !== 'honest')
        return false
      return transport.station.tensors.size > 0 || member.snapshot().following > 0
    })
  }

  private scheduleSessions(from: number): void {
    const next = this.sessions[from]
    if (next === undefined) return
    this.clock.wakeAt(next.joinMs, () => {
      this.arrive(next)
      this.scheduleSessions(from + 1)
    })
  }

  private scheduleOrders(from: number): void {
    const next = this.orders[from]
    if (next === undefined) return
    this.clock.wakeAt(next.atMs, () => {
      this.ask(next)
      this.scheduleOrders(from + 1)
    })
  }

  private scheduleWeather(): void {
    const atMs = this.settings['partition.atMs']
    if (atMs === 0) return
    this.clock.wakeAt(atMs, () => this.network.partition(true))
    this.clock.wakeAt(atMs + this.settings['partition.ms'], () => this.network.partition(false))
  }

  private arrive(session: Session): void {
    const { settings, seed, network, book, departures } = this
    const needs = {
      settings,
      seed,
      claimPolicy: this.claimPolicy,
      serve: servedBy(session, this.hosted, this.blocks, this.residents.values()),
      world: this.clock,
      network,
      book,
      diesIn: (who: Session) => departures.mayCrash(who, 'crash.onRun'),
      began: (resident: Resident) => {
        if (resident.session.actor === 'asker') this.askers.push(resident)
        this.policy.arrived(resident)
      },
    }
    const resident = settle(needs, session)
    this.residents.set(session.peer, resident)
    this.departures.schedule(resident)
  }

  private left(resident: Resident): void {
    this.count(resident)
    this.policy.left(resident)
    const at = this.askers.indexOf(resident)
    if (at >= 0) this.askers.splice(at, 1)
  }

  /** Joining is over: everybody has been introduced to everybody, which is a storm of presence. */
  private beginsWork(): void {
    const { working, network } = this
    working.controlBytes = network.traffic.controlBytes
    working.bytes = sentBytes(network.traffic)
  }

  private endsWork(): void {
    const { working, network } = this
    working.untilMs = this.clock.nowMs()
    working.controlBytes = network.traffic.controlBytes - working.controlBytes
    working.bytes = sentBytes(network.traffic) - working.bytes
  }

  private count({ session, transport, compute }: Resident): void {
    this.past.push(transport.station)
    const nowMs = this.clock.nowMs()
    if (session.actor === 'honest') {
      const { joinMs, leaveMs } = session
      const { firstRunMs } = compute
      this.lives.push({ joinMs, leftMs: Math.min(leaveMs, nowMs), firstRunMs })
    }
    const { fromMs, untilMs } = this.working
    const until = untilMs === 0 ? nowMs : untilMs
    this.spentSeconds += Math.max(0, until - Math.max(session.joinMs, fromMs)) / 1_000
  }

  private ask(order: Order): void {
    const asker = this.askers[Math.floor(order.asker * this.askers.length)]
    const nowMs = this.clock.nowMs()
    this.open++
    const record: RequestRecord = {
      index: order.index,
      atMs: nowMs,
      endMs: undefined,
      outcome: undefined,
      route: [],
      rounds: [],
      visits: 0,
      missing: 0,
      usefulMs: 0,
      isWrong: false,
      lostCopy: false,
    }
    this.records.push(record)
    if (asker === undefined) return this.end(record, 'no-asker')
    this.policy.ask(asker, order, record, (code) => this.end(record, code))
  }

  private end(record: RequestRecord, code: string): void {
    if (record.outcome !== undefined) return
    record.endMs = this.clock.nowMs()
    record.outcome = code
    this.open--
    if (code === 'answered') this.answered++
    this.trace.note(record.endMs, 7, record.index, record.route.length)
  }

  private published(from: LabStation, message: Message, bytes: number): void {
    const resident = this.residents.get(from.peer)
    const checked = resident?.member === undefined ? undefined : resident.compute.loaded
    const nowMs = this.clock.nowMs()
    this.referee.published(from, message, checked, nowMs)
    this.animation.note(from.session.index, message, bytes, nowMs)
    if (resident === undefined || resident.session.actor === 'asker') return
    if (message.kind === 'claim' && message.ttlMs > 0)
      this.departures.mayCrash(from.session, 'crash.onClaim')
    if (message.kind !== 'step') return
    this.departures.mayCrash(from.session, 'crash.onStep')
    if (this.onlyCopy.strikes(message)) this.crashAndReturn(from.session)
  }

  /** A provider dies and somebody like it comes at once and stays, lest the swarm shrink with every crash. */
  private crashAndReturn(session: Session): void {
    this.departures.crash(session)
    this.reborn++
    const index = this.sessions.length + this.reborn
    const joinMs = this.clock.nowMs()
    const endless = { leaveMs: Number.POSITIVE_INFINITY, freezesMs: [], deviceLossesMs: [] }
    this.arrive({ ...session, ...endless, index, peer: peerName(index), joinMs })
  }

  private sample(): void {
    this.timeline.push(this.moment())
    this.stopped ||= this.isEnough(this.records, this.clock.nowMs())
    if (this.timeline.length % 5 === 0) this.checkHoldings()
    this.clock.wakeAt(this.clock.nowMs() + SAMPLE_MS, () => this.sample())
  }

  private moment(): Moment {
    const layers = this.settings['model.layers']
    const hosts = this.network.lanes.map(() => new Array<number>(layers).fill(0))
    let peers = 0
    for (const { session, transport, compute, connected } of this.residents.values()) {
      const { lane, frozen, serves } = transport.station
      if (!connected || frozen || !serves || lane === undefined || session.actor === 'sybil')
        continue
      peers++
      const inLane = hosts[lane.index] as number[]
      for (const layer of compute.loaded) inLane[layer] = (inLane[layer] as number) + 1
    }
    const used = this.network.lanes.filter(({ providers }) => providers > 0)
    const rarest = used.reduce((sum, { index }) => sum + Math.min(...(hosts[index] as number[])), 0)
    return {
      atMs: this.clock.nowMs(),
      peers,
      rarest: rarest / Math.max(1, used.length),
      lanes: used.length,
      openRequests: this.open,
      answered: this.answered,
    }
  }

  private checkHoldings(): void {
    let left = HOLDINGS_CHECKED_MAX
    for (const { member, transport } of this.residents.values()) {
      if (left-- === 0) return
      if (member !== undefined)
        this.referee.holds(transport.station, member.snapshot().following, this.clock.nowMs())
    }
  }
}
