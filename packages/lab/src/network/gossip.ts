import type { Transport, TransportEvents } from '@layerswarm/swarm'
import {
  BAN_MS,
  decodeMessage,
  draw,
  encodeMessage,
  type HeldActivation,
  type Message,
  type PeerId,
  type TensorHash,
} from '@layerswarm/swarm'
import { SeededRandom, type VirtualClock, VirtualEvent } from '@layerswarm/swarm/testing'
import { SYMBOLS_BYTES } from '../residents/lab-compute.ts'
import type { Session } from '../scenarios/population.ts'
import type { Settings } from '../scenarios/settings.ts'
import { LabStation, type Link } from './lab-station.ts'
import { chooseLane, type Lane } from './lane.ts'
import type { Trace } from './trace.ts'

/** A message on its way through a lane. */
interface Parcel {
  readonly author: LabStation
  readonly message: Message
  readonly bytes: number
  readonly lane: Lane
  /** By slot: when the first copy arrives, −1 once it has. */
  readonly arrivalMs: Float64Array
}

/** What crossed the network so far. */
export interface LabTraffic {
  publishes: number
  /** Of these, steps, claims and done messages. */
  requestMessages: number
  /** Copies sent, duplicates included. */
  copies: number
  deliveries: number
  /** Steps, claims and done messages, every copy counted. */
  requestBytes: number
  /** Presence, every copy counted. */
  controlBytes: number
  pulledBytes: number
  overQuota: number
  /** Copies that a saturated uplink never sent. */
  dropped: number
}

/** All bytes that anybody sent. */
export function sentBytes({ requestBytes, controlBytes, pulledBytes }: LabTraffic): number {
  return requestBytes + controlBytes + pulledBytes
}

/** Sees what is published, before it travels. */
export interface Tap {
  published(from: LabStation, message: Message, bytes: number): void
  pullAsked(holder: LabStation): void
}

/** Pulls of a tensor give up after this: TENSOR_TIMEOUT_MS of packages/peer. */
const PULL_TIMEOUT_MS = 6_000
/** A burst of messages that others accept: three seconds of the quota. */
const QUOTA_BURST_SECONDS = 3
/** What a frozen tab's sockets hold for it. */
const UNREAD_MAX = 2_000
const KINDS = { step: 1, claim: 2, done: 3, presence: 4 } as const

/**
 * Gossip between peers at home: every copy of a message takes its sender's uplink, the pair's
 * latency and its receiver's downlink; authors flood their connections, receivers pass a first copy
 * on along their mesh, lost copies are asked for again at the next heartbeat.
 *
 * 1. A member hears a message at most once, and never its own.
 * 2. Nothing crosses a pair without a direct path, except by way of others.
 * 3. Bytes are counted where they are sent, whether or not they arrive.
 */
export class LabNetwork {
  readonly traffic: LabTraffic = {
    publishes: 0,
    requestMessages: 0,
    copies: 0,
    deliveries: 0,
    requestBytes: 0,
    controlBytes: 0,
    pulledBytes: 0,
    overQuota: 0,
    dropped: 0,
  }
  /** Everybody who is there. */
  readonly stations = new Map<PeerId, LabStation>()
  /** Everybody who ever was. */
  readonly known = new Map<PeerId, LabStation>()
  readonly lanes: Lane[] = []
  private readonly clock: VirtualClock
  private readonly settings: Settings
  private readonly seed: number
  private readonly random: SeededRandom
  private readonly trace: Trace
  private readonly tap: Tap
  private split = false

  constructor(clock: VirtualClock, settings: Settings, seed: number, trace: Trace, tap: Tap) {
    this.clock = clock
    this.settings = settings
    this.seed = seed
    this.random = SeededRandom.stream(seed, 'network')
    this.trace = trace
    this.tap = tap
  }

  /** Enters a lane; connections stand a dial later. */
  join(session: Session, serves: boolean, connected: () => void): LabTransport {
    const station = new LabStation(session, serves)
    this.stations.set(session.peer, station)
    this.known.set(session.peer, station)
    chooseLane(this.lanes, serves, this.settings['lanes.peers']).enter(station)
    this.clock.wakeAt(this.clock.nowMs() + this.settings['links.dialMs'], () => {
      if (!station.alive) return
      this.connect(station)
      connected()
    })
    return new LabTransport(this, station)
  }

  /** The peer is gone. Its neighbours learn of it after `noticeMs`, or never. */
  leave(peer: PeerId, noticeMs: number): void {
    const station = this.stations.get(peer)
    if (station === undefined) return
    station.alive = false
    station.events = undefined
    this.stations.delete(peer)
    station.lane?.leave(station)
    station.tensors.clear()
    if (noticeMs === Number.POSITIVE_INFINITY) return
    for (const { to, latencyMs } of station.links) {
      this.clock.wakeAt(this.clock.nowMs() + noticeMs + latencyMs, () => {
        to.unlink(station)
        this.hear(to, (events) => events.peerDisconnected(peer))
        this.mendMesh(to)
      })
    }
  }

  /** Hangs up on a peer and does not listen to it for a while. */
  ban(station: LabStation, peer: PeerId): void {
    station.banned.set(peer, this.clock.nowMs() + BAN_MS)
    const other = this.stations.get(peer)
    if (other === undefined) return
    const link = station.links.find(({ to }) => to === other)
    other.unlink(station)
    station.unlink(other)
    this.mendMesh(station)
    if (link === undefined) return
    const now = this.clock.nowMs()
    this.clock.wakeAt(now, () => this.hear(station, (events) => events.peerDisconnected(peer)))
    this.clock.wakeAt(now + link.latencyMs, () =>
      this.hear(other, (events) => events.peerDisconnected(station.peer)),
    )
  }

  /** Stops reading; `thaw` hands on what came meanwhile. */
  freeze(peer: PeerId): void {
    const station = this.stations.get(peer)
    if (station !== undefined) station.frozen = true
  }

  thaw(peer: PeerId): void {
    const station = this.stations.get(peer)
    if (station === undefined) return
    station.frozen = false
    for (const read of station.unread.splice(0)) read()
  }

  /** Cuts the network in two, or heals it: then peers that never met are introduced. */
  partition(split: boolean): void {
    this.split = split
    if (!split) for (const station of this.stations.values()) this.connect(station)
  }

  broadcast(from: LabStation, message: Message): void {
    if (!from.alive || from.lane === undefined) return
    const encoded = encodeMessage(message)
    this.tap.published(from, message, encoded.length)
    this.traffic.publishes++
    if (message.kind !== 'presence') this.traffic.requestMessages++
    const { lane } = from
    const parcel: Parcel = {
      author: from,
      message: decodeMessage(encoded),
      bytes: encoded.length + this.settings['gossip.overheadBytes'],
      lane,
      arrivalMs: new Float64Array(lane.width + 8).fill(Number.POSITIVE_INFINITY),
    }
    parcel.arrivalMs[from.slot] = -1
    const receivers = this.settings['gossip.flood'] === 1 ? from.links : from.mesh
    const accepted = this.withinQuota(from)
    for (const link of receivers) this.send(parcel, from, link, accepted)
  }

  /** Charges a burst of messages that nobody will accept, without making events of them. */
  waste(from: LabStation, messages: number, bytes: number): void {
    this.traffic.overQuota += messages
    for (const { to } of from.links) {
      this.traffic.copies += messages
      this.traffic.requestBytes += messages * bytes
      const now = this.clock.nowMs()
      to.downFreeAtMs = Math.max(to.downFreeAtMs, now) + (messages * bytes) / to.session.down
    }
  }

  offer(self: LabStation, bytes: Uint8Array): TensorHash {
    const hash = symbolHash(bytes)
    self.tensors.set(hash, bytes)
    return hash
  }

  pull(
    self: LabStation,
    tensor: HeldActivation,
    pulled: (bytes: Uint8Array | undefined) => void,
  ): () => void {
    const now = this.clock.nowMs()
    const holder = this.stations.get(tensor.holder)
    if (holder === self) return this.clock.wakeAt(now, () => pulled(self.tensors.get(tensor.hash)))
    if (holder === undefined || !this.hasPath(self, holder))
      return this.clock.wakeAt(now + this.failureMs(self, tensor.holder), () => pulled(undefined))
    const latencyMs = this.latencyMs(self, holder)
    let cancel = () => {}
    const cancelAsk = this.clock.wakeAt(now + latencyMs, () => {
      this.tap.pullAsked(holder)
      const bytes = holder.alive && !holder.frozen ? holder.tensors.get(tensor.hash) : undefined
      if (bytes === undefined) {
        const wait = holder.alive && !holder.frozen ? latencyMs : PULL_TIMEOUT_MS - latencyMs
        cancel = this.clock.wakeAt(this.clock.nowMs() + wait, () => pulled(undefined))
        return
      }
      const sentAtMs = this.takeUplink(holder, bytes.length)
      holder.traffic.sentBytes += bytes.length
      this.traffic.pulledBytes += bytes.length
      // Transfers queue behind each other; small gossip slips in between their packets.
      self.pulledAtMs =
        Math.max(sentAtMs + latencyMs, self.pulledAtMs) + bytes.length / self.session.down
      cancel = this.clock.wakeAt(self.pulledAtMs, () => {
        this.trace.note(this.clock.nowMs(), 5, self.session.index, bytes.length)
        // A holder that died while it sent took the rest with it.
        pulled(holder.alive ? bytes : undefined)
      })
    })
    return () => {
      cancelAsk()
      cancel()
    }
  }

  /**
   * Bytes over a direct stream; nothing comes of it when the other end is gone.
   * @param relayed without a direct path they go by way of a relay, which takes twice as long.
   */
  stream(
    from: LabStation,
    to: LabStation,
    bytes: number,
    received: () => void,
    relayed = false,
  ): void {
    if (!from.alive) return
    if (from === to) {
      this.clock.wakeAt(this.clock.nowMs(), received)
      return
    }
    from.traffic.sentBytes += bytes
    this.traffic.pulledBytes += bytes
    const isDirect = this.isDialable(from, to)
    const latencyMs = (isDirect ? 1 : 2) * this.latencyMs(from, to)
    let atMs = this.takeUplink(from, bytes) + latencyMs
    atMs += this.random.uniform() * this.settings['links.jitterMs'] + to.session.messageMs
    // A stream repeats what was lost: it comes late, and it comes.
    if (this.random.chance(this.settings['links.loss'])) atMs += 2 * latencyMs
    to.pulledAtMs = Math.max(to.pulledAtMs, atMs) + bytes / to.session.down
    if (this.isCut(from, to) || !(isDirect || relayed)) return
    this.clock.wakeAt(to.pulledAtMs, () => {
      this.trace.note(this.clock.nowMs(), 6, from.session.index, to.session.index)
      if (!to.alive || this.isCut(from, to)) return
      if (!to.frozen) received()
      else if (to.unread.length < UNREAD_MAX) to.unread.push(received)
    })
  }

  /** One way between two peers, milliseconds: a draw of their names, the same for both. */
  latencyMs(a: LabStation, b: LabStation): number {
    const [low, high] = a.session.index < b.session.index ? [a, b] : [b, a]
    const seed = draw(this.seed, low.session.index, high.session.index)
    const pair = new SeededRandom(seed)
    const z = Math.sqrt(-2 * Math.log(1 - pair.uniform())) * Math.cos(2 * Math.PI * pair.uniform())
    return (this.settings['links.rttMedianMs'] / 2) * Math.exp(this.settings['links.rttSigma'] * z)
  }

  /** One way for policies that may relay: twice as long without a direct path, Infinity across a cut. */
  relayedMs(a: LabStation, b: LabStation): number {
    if (this.isCut(a, b)) return Number.POSITIVE_INFINITY
    return (this.isDialable(a, b) ? 1 : 2) * this.latencyMs(a, b)
  }

  /** Whether two peers can speak directly now. */
  hasPath(a: LabStation, b: LabStation): boolean {
    return this.isDialable(a, b) && !this.isCut(a, b)
  }

  /** How long a question to a peer that cannot be reached takes to fail. */
  private failureMs(self: LabStation, holder: PeerId): number {
    // Without a connection there is nobody to ask; on a dead one the question times out.
    return self.links.some(({ to }) => to.peer === holder) ? PULL_TIMEOUT_MS : 1
  }

  private isDialable(a: LabStation, b: LabStation): boolean {
    const share = this.settings['links.natShare']
    if (share === 0) return true
    const [low, high] =
      a.session.index < b.session.index
        ? [a.session.index, b.session.index]
        : [b.session.index, a.session.index]
    return draw('nat', this.seed, low, high) / 2 ** 32 >= share
  }

  private isCut(a: LabStation, b: LabStation): boolean {
    return this.split && a.session.far !== b.session.far
  }

  private connect(station: LabStation): void {
    const { lane } = station
    if (lane === undefined) return
    const most = this.settings['gossip.connections']
    const now = this.clock.nowMs()
    const able = [...lane.members].filter(
      (other) =>
        other !== station &&
        !other.frozen &&
        this.hasPath(station, other) &&
        (other.banned.get(station.peer) ?? 0) <= now,
    )
    // Few connections go to random members, so that a lane larger than one peer's reach stays whole.
    while (able.length > most) {
      const at = this.random.below(able.length)
      able[at] = able.at(-1) as LabStation
      able.pop()
    }
    for (const other of able) {
      if (
        station.links.length >= most ||
        other.links.length >= 2 * most ||
        station.isLinkedTo(other)
      )
        continue
      const latencyMs = this.latencyMs(station, other)
      station.links.push({ to: other, latencyMs })
      other.links.push({ to: station, latencyMs })
      if (other.mesh.length < this.settings['gossip.mesh']) this.mendMesh(other)
    }
    this.mendMesh(station)
  }

  /** Grafts until the mesh has its degree; a partner takes up to twice that. */
  private mendMesh(station: LabStation): void {
    const degree = this.settings['gossip.mesh']
    if (!station.alive || station.mesh.length >= degree) return
    const from = this.random.below(station.links.length || 1)
    for (let i = 0; i < station.links.length && station.mesh.length < degree; i++) {
      const link = station.links[(from + i) % station.links.length] as Link
      const { to, latencyMs } = link
      if (station.mesh.some((other) => other.to === to) || to.mesh.length >= 2 * degree) continue
      station.mesh.push(link)
      to.mesh.push({ to: station, latencyMs })
    }
  }

  private withinQuota(from: LabStation): boolean {
    const perSecond = this.settings['gossip.quotaPerSecond']
    const now = this.clock.nowMs()
    const burst = perSecond * QUOTA_BURST_SECONDS
    const refill = ((now - from.quotaAtMs) / 1_000) * perSecond
    from.quotaLeft = from.quotaAtMs === 0 ? burst : Math.min(burst, from.quotaLeft + refill)
    from.quotaAtMs = now
    if (from.quotaLeft < 1) {
      this.traffic.overQuota++
      return false
    }
    from.quotaLeft--
    return true
  }

  private takeUplink(station: LabStation, bytes: number): number {
    station.upFreeAtMs =
      Math.max(station.upFreeAtMs, this.clock.nowMs()) + bytes / station.session.up
    return station.upFreeAtMs
  }

  private send(parcel: Parcel, from: LabStation, link: Link, accepted: boolean): void {
    const { settings, random, traffic } = this
    const { to, latencyMs } = link
    // What a saturated uplink cannot send soon is dropped, as gossip's bounded queues do.
    if (from.upFreeAtMs > this.clock.nowMs() + settings['gossip.queueMs']) {
      traffic.dropped++
      return
    }
    traffic.copies++
    from.traffic.copies++
    from.traffic.sentBytes += parcel.bytes
    if (parcel.message.kind === 'presence') {
      traffic.controlBytes += parcel.bytes
      from.traffic.controlBytes += parcel.bytes
    } else traffic.requestBytes += parcel.bytes
    let atMs = this.takeUplink(from, parcel.bytes) + latencyMs
    atMs += random.uniform() * settings['links.jitterMs']
    if (!accepted || !to.alive || this.isCut(from, to)) return
    if (random.chance(settings['links.reorder']))
      atMs += random.uniform() * settings['links.reorderMs']
    if (random.chance(settings['links.loss']))
      atMs += random.uniform() * settings['gossip.heartbeatMs'] + 2 * latencyMs
    atMs += parcel.bytes / to.session.down + to.session.messageMs
    const known = parcel.arrivalMs[to.slot] ?? Number.NEGATIVE_INFINITY
    if (known <= atMs) return
    parcel.arrivalMs[to.slot] = atMs
    this.clock.schedule(atMs, new Copy(this, parcel, from, to))
  }

  /** A copy is at its receiver, who may have to read others first. */
  arrive(copy: Copy): void {
    const { parcel, from, to, atMs } = copy
    if (copy.isQueued) return this.read(parcel, from, to)
    if (!to.alive || parcel.arrivalMs[to.slot] !== atMs) return
    parcel.arrivalMs[to.slot] = -1
    const now = this.clock.nowMs()
    if ((to.banned.get(parcel.author.peer) ?? 0) > now) return
    const readAtMs = to.downFreeAtMs
    to.downFreeAtMs = Math.max(readAtMs, now) + to.session.messageMs
    if (readAtMs > now) {
      copy.isQueued = true
      this.clock.schedule(readAtMs, copy)
    } else this.read(parcel, from, to)
  }

  private read(parcel: Parcel, from: LabStation, to: LabStation): void {
    if (!to.alive) return
    const now = this.clock.nowMs()
    this.deliver(parcel, to)
    if (this.random.chance(this.settings['links.duplicate']))
      this.clock.wakeAt(now + this.random.uniform() * this.settings['links.reorderMs'], () =>
        this.deliver(parcel, to),
      )
    if (to.frozen || heardByAll(parcel)) return
    for (const link of to.mesh)
      if (link.to !== from && link.to !== parcel.author) this.send(parcel, to, link, true)
  }

  private deliver(parcel: Parcel, to: LabStation): void {
    const { author, message } = parcel
    this.traffic.deliveries++
    this.trace.note(this.clock.nowMs(), KINDS[message.kind], author.session.index, to.session.index)
    if (!to.frozen) to.events?.messageArrived(author.peer, message)
    else this.hear(to, (events) => events.messageArrived(author.peer, message))
  }

  private hear(to: LabStation, tell: (events: TransportEvents) => void): void {
    if (!to.alive) return
    if (!to.frozen) {
      if (to.events !== undefined) tell(to.events)
    } else if (to.unread.length < UNREAD_MAX) {
      to.unread.push(() => {
        if (to.events !== undefined) tell(to.events)
      })
    }
  }
}

/** One copy of a message on its way over one link. */
class Copy extends VirtualEvent {
  /** It has arrived and waits to be read. */
  isQueued = false
  readonly parcel: Parcel
  readonly from: LabStation
  readonly to: LabStation
  private readonly network: LabNetwork

  constructor(network: LabNetwork, parcel: Parcel, from: LabStation, to: LabStation) {
    super()
    this.network = network
    this.parcel = parcel
    this.from = from
    this.to = to
  }

  fire(): void {
    this.network.arrive(this)
  }
}

/** Nobody passes on what its author reaches everybody with (docs/decisions/0006); presence always is. */
function heardByAll({ author, lane, message }: Parcel): boolean {
  return message.kind !== 'presence' && author.links.length >= lane.members.size - 1
}

/** Stands in for SHA-256: equal symbols, equal hash. */
function symbolHash(bytes: Uint8Array): TensorHash {
  let low = 0x811c9dc5
  let high = bytes.length
  const end = Math.min(bytes.length, SYMBOLS_BYTES)
  for (let i = 0; i < end; i++) {
    low = Math.imul(low ^ (bytes[i] as number), 0x01000193)
    high = Math.imul(high ^ low, 0x85ebca6b) ^ (high >>> 13)
  }
  const half = (high >>> 0).toString(16).padStart(8, '0')
  return (half + (low >>> 0).toString(16).padStart(8, '0')).padStart(64, '0') as TensorHash
}

export class LabTransport implements Transport {
  readonly station: LabStation
  private readonly network: LabNetwork

  constructor(network: LabNetwork, station: LabStation) {
    this.network = network
    this.station = station
  }

  get self(): PeerId {
    return this.station.peer
  }

  listen(events: TransportEvents): () => void {
    this.station.events = events
    return () => {
      this.station.events = undefined
    }
  }

  publish(message: Message): void {
    this.network.broadcast(this.station, message)
  }

  offer(bytes: Uint8Array, offered: (hash: TensorHash | undefined) => void): void {
    offered(this.network.offer(this.station, bytes))
  }

  ban(peer: PeerId): void {
    this.network.ban(this.station, peer)
  }

  withdraw(hash: TensorHash): void {
    this.station.tensors.delete(hash)
  }

  /** Pulls that have neither ended nor been cancelled. */
  pulls = 0

  pull(tensor: HeldActivation, pulled: (bytes: Uint8Array | undefined) => void): () => void {
    let open = true
    this.pulls++
    const close = () => {
      if (open) this.pulls--
      open = false
    }
    const cancel = this.network.pull(this.station, tensor, (bytes) => {
      if (!open) return
      close()
      pulled(bytes)
    })
    return () => {
      close()
      cancel()
    }
  }
}
