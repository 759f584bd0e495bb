import {
  encodeMessage,
  entryLane,
  judgeMessage,
  type LaneCount,
  laneSizes,
  type Message,
  type ModelShape,
  type PeerId,
  topicOf,
  type Verdict,
} from '@layerswarm/swarm'
import { SeededRandom, SIMULATED_RELEASE, type VirtualClock } from '@layerswarm/swarm/testing'
import { LANES_ASK_BYTES, MEET_ALL_MAX } from '../limits.ts'
import type { Session } from '../scenarios/population.ts'
import { type Settings, shapeOf } from '../scenarios/settings.ts'
import { labGate } from './lab-gate.ts'
import { LabTransport } from './lab-transport.ts'
import { LabStation, Lane, type Link } from './lane.ts'
import { LaneCensus } from './lane-census.ts'
import { Mesh } from './mesh.ts'
import { Arrivals, Copy, type Parcel } from './parcel.ts'
import { Paths } from './paths.ts'
import { Streams } from './streams.ts'
import type { Trace } from './trace.ts'
import { noTraffic } from './traffic.ts'
import { Wording } from './wording.ts'

/** Sees what is published, before it travels. */
export interface Tap {
  published(from: LabStation, message: Message, bytes: number): void
  pullAsked(holder: LabStation): void
}

const KINDS = {
  ...{ step: 1, claim: 2, done: 3, presence: 4, again: 7, hint: 8 },
  ...{ round: 9, update: 10 },
} as const

/**
 * Gossip between peers at home: every copy of a message takes its sender's uplink, the pair's
 * latency and its receiver's downlink; authors flood their connections, receivers pass a first copy
 * on along their mesh, lost copies are asked for again at the next heartbeat.
 *
 * 1. A member hears a message at most once, and never its own.
 * 2. Nothing crosses a pair without a direct path, except by way of others.
 * 3. Bytes are counted where they are sent, whether or not they arrive.
 * 4. What a member hears has passed the codec and the gate of this member.
 */
export class LabNetwork {
  readonly traffic = noTraffic()
  /** Everybody who is there. */
  readonly stations = new Map<PeerId, LabStation>()
  /** Everybody who ever was. */
  readonly known = new Map<PeerId, LabStation>()
  readonly lanes: Lane[] = []
  readonly paths: Paths
  readonly streams: Streams
  private readonly census: LaneCensus
  private readonly clock: VirtualClock
  private readonly settings: Settings
  private readonly random: SeededRandom
  private readonly trace: Trace
  private readonly tap: Tap
  private readonly mesh: Mesh
  private readonly shape: ModelShape
  /** Messages so far. */
  private numbers = 0
  private readonly wording: Wording
  /** Who hears everything that is said, when it is said. */
  private readonly eavesdroppers: ((from: PeerId, message: Message) => void)[] = []

  constructor(clock: VirtualClock, settings: Settings, seed: number, trace: Trace, tap: Tap) {
    this.clock = clock
    this.settings = settings
    this.random = SeededRandom.stream(seed, 'network')
    this.trace = trace
    this.tap = tap
    this.shape = shapeOf(settings)
    this.wording = new Wording(this.shape)
    this.census = new LaneCensus(this.shape.layers)
    this.paths = new Paths(settings, seed)
    this.mesh = new Mesh(clock, settings, this.random, this.paths)
    this.streams = new Streams({
      clock,
      settings,
      random: this.random,
      trace,
      paths: this.paths,
      traffic: this.traffic,
      stations: this.stations,
      pullAsked: tap.pullAsked,
    })
  }

  /** Comes into the lane that newcomers choose; connections stand a dial later. */
  join(session: Session, serves: boolean, connected: () => void): LabTransport {
    const station = new LabStation(session, serves, labGate(this.settings))
    this.stations.set(session.peer, station)
    this.known.set(session.peer, station)
    this.settle(station, this.entry(serves, session.found), connected)
    return new LabTransport(this, station)
  }

  /**
   * The lane of a newcomer, by what has been announced. Of thousands that come at the same moment only so many meet
   * in one lane and spread from there. Those of a swarm that has stood for long are where they have gone before.
   */
  private entry(serves: boolean, found: boolean): number {
    const sizes = laneSizes(this.settings['lanes.peers'])
    const meet = found && this.settings['peers.standing'] === 1 ? 0 : MEET_ALL_MAX
    const number = entryLane(this.census.counts(this.clock.nowMs()), serves, sizes)
    if ((this.lanes[number]?.members.size ?? 0) < meet) return number
    const entered = this.lanes.map(({ index, providers, askers }) => {
      return { lane: index, providers, askers, lacking: 0 }
    })
    return entryLane(entered, serves, sizes)
  }

  /** Goes to another lane: the members there are met a dial later, those of the lane before stay connected. */
  enter(station: LabStation, number: number): void {
    const { lane } = station
    if (!station.alive || lane?.index === number) return
    const pastMax = this.settings['gossip.connections']
    for (const { to } of [...station.links]) {
      to.part(station, pastMax)
      station.part(to, pastMax)
      this.mesh.mend(to)
      this.mesh.reconnect(to)
    }
    lane?.leave(station)
    this.settle(station, number, () => {})
  }

  /** How full the lanes are, as a bootstrap node says that hears all presence; it is on the near side of a cut. */
  countLanes(
    station: LabStation,
    counted: (lanes: readonly LaneCount[] | undefined) => void,
  ): void {
    if (!station.alive) return
    this.traffic.controlBytes += LANES_ASK_BYTES
    station.traffic.controlBytes += LANES_ASK_BYTES
    station.traffic.sentBytes += LANES_ASK_BYTES
    this.clock.wakeAt(this.clock.nowMs() + this.settings['links.rttMedianMs'], () => {
      const isCut = this.paths.split && station.session.far
      const counts = isCut ? undefined : this.census.counts(this.clock.nowMs())
      station.whenRead(() => counted(counts))
    })
  }

  private settle(station: LabStation, number: number, connected: () => void): void {
    while (this.lanes.length <= number) this.lanes.push(new Lane(this.lanes.length))
    const lane = this.lanes[number] as Lane
    lane.enter(station)
    station.gate.enter(number)
    station.isMeeting = true
    station.settledAtMs = this.clock.nowMs()
    this.clock.wakeAt(this.clock.nowMs() + this.settings['links.dialMs'], () => {
      if (!station.alive || station.lane !== lane) return
      station.isMeeting = false
      this.mesh.connect(station)
      const said = station.unheard
      station.unheard = undefined
      if (said !== undefined) this.broadcast(station, said)
      connected()
    })
  }

  /** The peer is gone. Its neighbours learn of it after `noticeMs`, or never. */
  leave(peer: PeerId, noticeMs: number): void {
    const station = this.stations.get(peer)
    if (station === undefined) return
    station.end()
    this.stations.delete(peer)
    if (noticeMs === Number.POSITIVE_INFINITY) return
    for (const { to, latencyMs } of [...station.links, ...station.past]) {
      this.clock.wakeAt(this.clock.nowMs() + noticeMs + latencyMs, () => {
        to.unlink(station)
        to.lost(peer)
        this.mesh.mend(to)
        this.mesh.reconnect(to)
      })
    }
  }

  /** Hangs up on a peer and does not listen to it for a while. The other end notices a little later. */
  ban(station: LabStation, peer: PeerId): void {
    const now = this.clock.nowMs()
    station.gate.ban(peer, now)
    const other = this.stations.get(peer)
    const link = other && station.linkTo(other)
    if (other === undefined || link === undefined) return
    this.mesh.hangUp(station, other)
    this.clock.wakeAt(now, () => station.lost(peer))
    this.clock.wakeAt(now + link.latencyMs, () => other.lost(station.peer))
  }

  /** The round trip to a neighbour as it measures it, milliseconds: not at once, and with an error that stays. */
  rttMs(station: LabStation, peer: PeerId): number | undefined {
    const link = station.neighbourLink(peer)
    if (link === undefined) return undefined
    const now = this.clock.nowMs()
    const metAtMs = Math.max(station.settledAtMs, link.to.settledAtMs)
    if (now - metAtMs < this.settings['links.rttUnknownMs']) return undefined
    return link.measuredMs
  }

  /** Stops reading; `thaw` hands on what came meanwhile. */
  freeze(peer: PeerId): void {
    this.stations.get(peer)?.freeze()
  }

  thaw(peer: PeerId): void {
    this.stations.get(peer)?.thaw()
  }

  /** Cuts the network in two, or heals it: then peers that never met are introduced. */
  partition(split: boolean): void {
    this.paths.split = split
    if (!split) for (const station of this.stations.values()) this.mesh.connect(station)
  }

  /** From now on this is told everything that is said, as soon as it is said. */
  eavesdrop(heard: (from: PeerId, message: Message) => void): void {
    this.eavesdroppers.push(heard)
  }

  private overheard(from: PeerId, message: Message): void {
    for (const heard of this.eavesdroppers)
      this.clock.wakeAt(this.clock.nowMs(), () => heard(from, message))
  }

  /** Says something that another has signed: once more, or with a key of its own for the purpose. */
  forge(from: LabStation, author: PeerId, message: Message): void {
    const session = { ...from.session, peer: author }
    const signer = this.known.get(author) ?? new LabStation(session, false, from.gate)
    this.broadcast(from, message, signer)
  }

  /** @param author who has signed it. */
  broadcast(from: LabStation, message: Message, author = from): void {
    if (!from.alive || from.lane === undefined) return
    if (message.kind === 'presence' && from.isMeeting) {
      from.unheard = message
      return
    }
    const encoded = encodeMessage(message)
    if (author === from) {
      this.tap.published(from, message, encoded.length)
      this.overheard(from.peer, message)
    }
    this.traffic.publishes++
    if (message.kind === 'presence') this.census.hear(from.peer, message, this.clock.nowMs())
    else this.traffic.requestMessages++
    const { lane } = from
    const topic = topicOf(message.kind, SIMULATED_RELEASE, lane.index)
    const content = judgeMessage(encoded, topic, author.peer, this.shape)
    const parcel: Parcel = {
      author,
      kind: message.kind,
      lane,
      number: BigInt(++this.numbers),
      bytes: encoded.length + this.settings['gossip.overheadBytes'],
      content: () => content,
      arrivals: new Arrivals(lane.width + 8),
    }
    parcel.arrivals.set(from.slot, -1)
    const receivers = this.settings['gossip.flood'] === 1 ? from.links : from.mesh
    for (const link of receivers) this.send(parcel, from, link)
  }

  /** Charges a burst of messages that nobody will accept, without making events of them. */
  waste(from: LabStation, messages: number, bytes: number): void {
    this.traffic.overQuota += messages
    for (const { to } of from.links) {
      this.traffic.copies += messages
      this.traffic.requestBytes += messages * bytes
      const now = this.clock.nowMs()
      to.access.takeReader((messages * bytes) / to.session.down, now)
    }
  }

  /** Says something to one peer over a stream that stands; the gate of the receiver judges it as well. */
  tell(from: LabStation, message: Message, peer: PeerId, isFirst: boolean): void {
    if (!from.alive) return
    const { bytes, content } = this.wording.of(from, message)
    if (isFirst) {
      this.tap.published(from, message, bytes)
      this.overheard(from.peer, message)
      if (message.kind !== 'presence') this.traffic.requestMessages++
    }
    const to = this.stations.get(peer)
    if (to === undefined || !from.isLinkedTo(to)) return
    const sent = bytes + this.settings['links.tellOverheadBytes']
    // A newcomer is greeted with presence that is told to it alone.
    if (message.kind === 'presence') {
      this.traffic.controlBytes += sent
      from.traffic.controlBytes += sent
    } else this.traffic.requestBytes += sent
    this.streams.whisper(from, to, sent, () => {
      const arrival = {
        source: from.peer,
        author: from.peer,
        isPresence: message.kind === 'presence',
        number: undefined,
        content: () => content,
      }
      const verdict = to.gate.judge(arrival, this.clock.nowMs())
      if (verdict.verdict === 'ban') this.ban(to, verdict.peer as PeerId)
      if (verdict.verdict === 'deliver') this.deliver(verdict.message, from, to, from)
      else this.refused(verdict)
    })
  }

  private send(parcel: Parcel, from: LabStation, link: Link): void {
    const { traffic } = this
    const settings = this.settings
    const random = this.random
    const { to, latencyMs } = link
    const now = this.clock.nowMs()
    // What a saturated uplink cannot send soon is dropped, as gossip's bounded queues do.
    if (from.access.uplinkWaitMs(now) > settings['gossip.queueMs']) {
      traffic.dropped++
      return
    }
    traffic.copies++
    from.traffic.copies++
    from.traffic.sentBytes += parcel.bytes
    if (parcel.kind === 'presence') {
      traffic.controlBytes += parcel.bytes
      from.traffic.controlBytes += parcel.bytes
    } else traffic.requestBytes += parcel.bytes
    let atMs = from.access.takeUplink(parcel.bytes, now) + latencyMs
    atMs += random.uniform() * settings['links.jitterMs']
    if (!to.alive || this.paths.isCut(from, to)) return
    if (random.chance(settings['links.reorder']))
      atMs += random.uniform() * settings['links.reorderMs']
    if (random.chance(settings['links.loss']))
      atMs += random.uniform() * settings['gossip.heartbeatMs'] + 2 * latencyMs
    atMs += parcel.bytes / to.session.down + to.session.messageMs
    if (parcel.arrivals.get(to.slot) <= atMs) return
    parcel.arrivals.set(to.slot, atMs)
    this.clock.schedule(atMs, new Copy(this, parcel, from, to))
  }

  /** A copy is at its receiver, who may have to read others first. */
  arrive(copy: Copy): void {
    const { parcel, from, to, atMs } = copy
    if (copy.isQueued) return this.read(parcel, from, to)
    if (!to.alive || to.lane !== parcel.lane || parcel.arrivals.get(to.slot) !== atMs) return
    parcel.arrivals.set(to.slot, -1)
    const now = this.clock.nowMs()
    const readAtMs = to.access.takeReader(to.session.messageMs, now)
    if (readAtMs > now) {
      copy.isQueued = true
      this.clock.schedule(readAtMs, copy)
    } else this.read(parcel, from, to)
  }

  private read(parcel: Parcel, from: LabStation, to: LabStation): void {
    if (to.isReading) this.judge(parcel, from, to)
    else to.whenRead(() => this.judge(parcel, from, to))
  }

  private judge(parcel: Parcel, from: LabStation, to: LabStation): void {
    const { author, kind, lane, number, content } = parcel
    if (to.lane !== lane) return
    const now = this.clock.nowMs()
    const arrival = {
      source: from.peer,
      author: author.peer,
      isPresence: kind === 'presence',
      number,
      content,
    }
    const verdict = to.gate.judge(arrival, now)
    if (verdict.verdict === 'ban') this.ban(to, verdict.peer as PeerId)
    if (verdict.verdict !== 'deliver') return this.refused(verdict)
    const { message, passOn } = verdict
    this.deliver(message, author, to, from)
    if (this.random.chance(this.settings['links.duplicate']))
      this.clock.wakeAt(now + this.random.uniform() * this.settings['links.reorderMs'], () =>
        to.whenRead(() => this.deliver(message, author, to, from)),
      )
    if (!passOn) return
    for (const link of to.mesh)
      if (link.to !== from && link.to !== author) this.send(parcel, to, link)
  }

  private refused(verdict: Exclude<Verdict, { verdict: 'deliver' }>): void {
    if (verdict.verdict !== 'ignore') this.traffic.rejected++
    else if (verdict.reason === 'over-rate') this.traffic.overQuota++
  }

  private deliver(message: Message, author: LabStation, to: LabStation, via: LabStation): void {
    this.traffic.deliveries++
    this.trace.note(this.clock.nowMs(), KINDS[message.kind], author.session.index, to.session.index)
    to.events?.messageArrived(author.peer, message, via.peer)
  }
}
