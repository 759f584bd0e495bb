import type { SignedStatement } from '../chain/statement.ts'
import { type Bans, createBans } from '../gate/bans.ts'
import {
  BAN_MS,
  BANS_MAX,
  PUSH_BYTES_PER_MS,
  PUSH_PATIENCE_MS,
  PUSHED_TENSORS_MAX,
} from '../limits.ts'
import type { AccessSpeed, Transport, TransportEvents } from '../ports.ts'
import { countLanes, type LaneCount } from '../wire/lane-count.ts'
import {
  decodeMessage,
  encodeMessage,
  type HeldActivation,
  type Message,
  type PeerId,
  type Presence,
  type Signature,
  type TensorHash,
} from '../wire/messages.ts'
import { areSealed, sealOf } from './seals.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** How far apart and how lossy a simulated network is. */
export interface NetworkOptions {
  /** One way, milliseconds. */
  readonly latencyMs: number
  /** Added to each delivery, uniform from 0, milliseconds. */
  readonly jitterMs: number
  /** Share of deliveries that are lost, 0 … 1. */
  readonly loss: number
  /** Of a pulled tensor, bytes per millisecond. */
  readonly bytesPerMs: number
}

/** A quiet room: nothing is lost, everything arrives within 7 ms. */
export const NETWORK_OPTIONS_DEFAULT: NetworkOptions = Object.freeze({
  latencyMs: 5,
  jitterMs: 2,
  loss: 0,
  bytesPerMs: 1_000,
})

interface Station {
  readonly transport: SimulatedTransport
  readonly tensors: Map<TensorHash, Uint8Array>
  /** What came without being asked for; undefined while it is on its way. */
  readonly pushed: Map<TensorHash, Uint8Array | undefined>
  /** Pulls that wait for what is on its way. */
  readonly awaited: Map<TensorHash, Set<(bytes: Uint8Array) => void>>
  events: TransportEvents | undefined
  lane: number
  /** What it announced last. */
  presence: Presence | undefined
  /** Whom it does not listen to. */
  readonly bans: Bans
}

/** What crossed the network so far. */
export interface Traffic {
  messages: number
  deliveries: number
  bytes: number
  pulledBytes: number
}

/** Members of a release in one room: what one publishes, the others of its lane hear a little later. */
export class SimulatedNetwork {
  readonly traffic: Traffic = { messages: 0, deliveries: 0, bytes: 0, pulledBytes: 0 }
  private readonly stations = new Map<PeerId, Station>()
  private readonly clock: VirtualClock
  private readonly random: SeededRandom
  private readonly options: NetworkOptions
  private readonly layers: number
  private hashes = 0
  /** Whoever hands on what it was given hands it on by the same name. */
  private readonly names = new WeakMap<Uint8Array, TensorHash>()

  /** @param layers of the model, for counting what lanes lack. */
  constructor(
    clock: VirtualClock,
    random: SeededRandom,
    options: NetworkOptions = NETWORK_OPTIONS_DEFAULT,
    layers = 8,
  ) {
    this.layers = layers
    this.clock = clock
    this.random = random
    this.options = options
  }

  join(self: PeerId): Transport {
    const transport = new SimulatedTransport(self, this)
    this.stations.set(self, {
      transport,
      tensors: new Map(),
      pushed: new Map(),
      awaited: new Map(),
      events: undefined,
      lane: 0,
      presence: undefined,
      bans: createBans({ durationMs: BAN_MS, peersMax: BANS_MAX }),
    })
    return transport
  }

  /** The peer is gone without a word. With `noticed`, the others lose their connection to it. */
  kill(peer: PeerId, noticed = true): void {
    const killed = this.stations.get(peer)
    this.stations.delete(peer)
    if (!noticed) return
    const now = this.clock.nowMs()
    for (const station of this.stations.values()) {
      // Two of whom one has banned the other have no connection to lose.
      if (station.bans.has(peer, now) || killed?.bans.has(station.transport.self, now)) continue
      this.deliver(station, (events) => events.peerDisconnected(peer))
    }
  }

  listen(self: PeerId, events: TransportEvents | undefined): void {
    const station = this.stations.get(self)
    if (station !== undefined) station.events = events
  }

  enter(self: PeerId, lane: number): void {
    const station = this.stations.get(self)
    if (station !== undefined) station.lane = lane
  }

  /** How full the lanes are by what was announced last. */
  countLanes(counted: (lanes: readonly LaneCount[] | undefined) => void): void {
    this.clock.wakeAt(this.clock.nowMs() + this.rttMs, () => {
      const announced = [...this.stations.values()].flatMap(({ presence }) => presence ?? [])
      counted(countLanes(announced, this.layers))
    })
  }

  broadcast(from: PeerId, message: Message): void {
    const author = this.stations.get(from)
    if (author === undefined) return
    if (message.kind === 'presence') author.presence = message.leaving ? undefined : message
    const lane = message.kind === 'presence' ? message.lane : author.lane
    const bytes = encodeMessage(message)
    this.traffic.messages++
    this.traffic.bytes += bytes.length
    const decoded = decodeMessage(bytes)
    for (const station of this.stations.values()) {
      if (station.transport.self === from || station.bans.has(from, this.clock.nowMs())) continue
      if (station.lane !== lane) continue
      if (this.options.loss > 0 && this.random.uniform() < this.options.loss) continue
      this.traffic.deliveries++
      this.deliver(station, (events) => events.messageArrived(from, decoded, from))
    }
  }

  offer(self: PeerId, bytes: Uint8Array): TensorHash | undefined {
    const hash =
      this.names.get(bytes) ?? ((++this.hashes).toString(16).padStart(64, '0') as TensorHash)
    this.names.set(bytes, hash)
    this.stations.get(self)?.tensors.set(hash, bytes)
    return hash
  }

  withdraw(self: PeerId, hash: TensorHash): void {
    this.stations.get(self)?.tensors.delete(hash)
  }

  /** Tensors that a peer holds for others. */
  held(peer: PeerId): number {
    return this.stations.get(peer)?.tensors.size ?? 0
  }

  ban(self: PeerId, peer: PeerId): void {
    const station = this.stations.get(self)
    const other = this.stations.get(peer)
    if (station === undefined || other === undefined) return
    const now = this.clock.nowMs()
    const isLost = station.bans.has(peer, now) || other.bans.has(self, now)
    station.bans.add(peer, now)
    if (isLost) return
    this.deliver(station, (events) => events.peerDisconnected(peer))
    this.deliver(other, (events) => events.peerDisconnected(self))
  }

  tell(from: PeerId, message: Message, to: PeerId): void {
    if (!this.areConnected(from, to)) return
    const bytes = encodeMessage(message)
    this.traffic.messages++
    this.traffic.bytes += bytes.length
    this.traffic.deliveries++
    const decoded = decodeMessage(bytes)
    const station = this.stations.get(to)
    if (station !== undefined)
      this.deliver(station, (events) => events.messageArrived(from, decoded, from))
  }

  push(from: PeerId, hash: TensorHash, to: PeerId): void {
    const station = this.stations.get(to)
    const bytes = this.stations.get(from)?.tensors.get(hash)
    if (station === undefined || bytes === undefined || !this.areConnected(from, to)) return
    if (!station.pushed.has(hash) && station.pushed.size >= PUSHED_TENSORS_MAX)
      station.pushed.delete(station.pushed.keys().next().value as TensorHash)
    station.pushed.set(hash, undefined)
    const ms = this.options.latencyMs + bytes.length / this.options.bytesPerMs
    this.clock.wakeAt(this.clock.nowMs() + ms, () => {
      this.traffic.pulledBytes += bytes.length
      const waiting = [...(station.awaited.get(hash) ?? [])]
      station.awaited.delete(hash)
      if (waiting.length > 0) station.pushed.delete(hash)
      else if (station.pushed.has(hash)) station.pushed.set(hash, bytes)
      for (const came of waiting) came(bytes)
    })
  }

  pull(
    self: PeerId,
    tensor: HeldActivation,
    isAwaited: boolean,
    pulled: (bytes: Uint8Array | undefined) => void,
  ): () => void {
    const station = this.stations.get(self)
    const { hash, size } = tensor
    const take = () => {
      const bytes = station?.pushed.get(hash)
      station?.pushed.delete(hash)
      return bytes
    }
    if (station?.pushed.get(hash) !== undefined)
      return this.clock.wakeAt(this.clock.nowMs(), () => pulled(take()))
    if (!isAwaited || tensor.holder === self) return this.ask(tensor, pulled)
    let cancelAsk = () => {}
    const patienceMs = PUSH_PATIENCE_MS + size / PUSH_BYTES_PER_MS
    const cancelWait = this.clock.wakeAt(this.clock.nowMs() + patienceMs, () => {
      station?.awaited.get(hash)?.delete(came)
      cancelAsk = this.ask(tensor, pulled)
    })
    const came = (bytes: Uint8Array) => {
      cancelWait()
      pulled(bytes)
    }
    station?.awaited.set(hash, (station.awaited.get(hash) ?? new Set()).add(came))
    return () => {
      station?.awaited.get(hash)?.delete(came)
      cancelWait()
      cancelAsk()
    }
  }

  areConnected(a: PeerId, b: PeerId): boolean {
    const [one, other] = [this.stations.get(a), this.stations.get(b)]
    if (one === undefined || other === undefined || one === other) return false
    const now = this.clock.nowMs()
    return !one.bans.has(b, now) && !other.bans.has(a, now)
  }

  /** Whether two peers are connected and in the same lane. */
  areNeighbours(a: PeerId, b: PeerId): boolean {
    return this.areConnected(a, b) && this.stations.get(a)?.lane === this.stations.get(b)?.lane
  }

  /** Everybody of its lane to whom a peer is connected. */
  neighbours(peer: PeerId): PeerId[] {
    return [...this.stations.keys()].filter((other) => this.areNeighbours(peer, other))
  }

  /** There and back of a small message, milliseconds. */
  get rttMs(): number {
    return 2 * this.options.latencyMs + this.options.jitterMs
  }

  private ask(tensor: HeldActivation, pulled: (bytes: Uint8Array | undefined) => void): () => void {
    const ms = 2 * this.options.latencyMs + tensor.size / this.options.bytesPerMs
    return this.clock.wakeAt(this.clock.nowMs() + ms, () => {
      const bytes = this.stations.get(tensor.holder)?.tensors.get(tensor.hash)
      this.traffic.pulledBytes += bytes?.length ?? 0
      pulled(bytes)
    })
  }

  private deliver(station: Station, tell: (events: TransportEvents) => void): void {
    const ms = this.options.latencyMs + this.random.uniform() * this.options.jitterMs
    this.clock.wakeAt(this.clock.nowMs() + ms, () => {
      const { events } = station
      if (events !== undefined && this.stations.get(station.transport.self) === station)
        tell(events)
    })
  }
}

class SimulatedTransport implements Transport {
  readonly self: PeerId
  private readonly network: SimulatedNetwork

  constructor(self: PeerId, network: SimulatedNetwork) {
    this.self = self
    this.network = network
  }

  sign(statement: Uint8Array, signed: (signature: Signature | undefined) => void): void {
    signed(sealOf(this.self, statement))
  }

  verify(statements: readonly SignedStatement[], verified: (areTrue: boolean) => void): void {
    verified(areSealed(statements))
  }

  listen(events: TransportEvents): () => void {
    this.network.listen(this.self, events)
    return () => this.network.listen(this.self, undefined)
  }

  enter(lane: number): void {
    this.network.enter(this.self, lane)
  }

  countLanes(counted: (lanes: readonly LaneCount[] | undefined) => void): void {
    this.network.countLanes(counted)
  }

  publish(message: Message): void {
    this.network.broadcast(this.self, message)
  }

  offer(bytes: Uint8Array, offered: (hash: TensorHash | undefined) => void): void {
    offered(this.network.offer(this.self, bytes))
  }

  withdraw(hash: TensorHash): void {
    this.network.withdraw(this.self, hash)
  }

  tell(message: Message, to: PeerId): void {
    this.network.tell(this.self, message, to)
  }

  push(hash: TensorHash, to: PeerId): void {
    this.network.push(this.self, hash, to)
  }

  pull(
    tensor: HeldActivation,
    isAwaited: boolean,
    pulled: (bytes: Uint8Array | undefined) => void,
  ): () => void {
    return this.network.pull(this.self, tensor, isAwaited, pulled)
  }

  reaches(peer: PeerId): boolean {
    return this.network.areNeighbours(this.self, peer)
  }

  neighbours(): readonly PeerId[] {
    return this.network.neighbours(this.self)
  }

  rttMs(peer: PeerId): number | undefined {
    return this.reaches(peer) ? this.network.rttMs : undefined
  }

  accessSpeed(): AccessSpeed {
    return { upload: undefined, download: undefined }
  }

  ban(peer: PeerId): void {
    this.network.ban(this.self, peer)
  }
}
