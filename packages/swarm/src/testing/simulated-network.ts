import { type Bans, createBans } from '../gate/bans.ts'
import { BAN_MS, BANS_MAX } from '../limits.ts'
import type { Transport, TransportEvents } from '../ports.ts'
import {
  decodeMessage,
  encodeMessage,
  type HeldActivation,
  type Message,
  type PeerId,
  type TensorHash,
} from '../wire/messages.ts'
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
  events: TransportEvents | undefined
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

/** All members of one lane in one room: what one publishes, the others hear a little later. */
export class SimulatedNetwork {
  readonly traffic: Traffic = { messages: 0, deliveries: 0, bytes: 0, pulledBytes: 0 }
  private readonly stations = new Map<PeerId, Station>()
  private readonly clock: VirtualClock
  private readonly random: SeededRandom
  private readonly options: NetworkOptions
  private hashes = 0

  constructor(
    clock: VirtualClock,
    random: SeededRandom,
    options: NetworkOptions = NETWORK_OPTIONS_DEFAULT,
  ) {
    this.clock = clock
    this.random = random
    this.options = options
  }

  join(self: PeerId): Transport {
    const transport = new SimulatedTransport(self, this)
    this.stations.set(self, {
      transport,
      tensors: new Map(),
      events: undefined,
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

  broadcast(from: PeerId, message: Message): void {
    if (!this.stations.has(from)) return
    const bytes = encodeMessage(message)
    this.traffic.messages++
    this.traffic.bytes += bytes.length
    const decoded = decodeMessage(bytes)
    for (const station of this.stations.values()) {
      if (station.transport.self === from || station.bans.has(from, this.clock.nowMs())) continue
      if (this.options.loss > 0 && this.random.uniform() < this.options.loss) continue
      this.traffic.deliveries++
      this.deliver(station, (events) => events.messageArrived(from, decoded))
    }
  }

  offer(self: PeerId, bytes: Uint8Array): TensorHash | undefined {
    const hash = (++this.hashes).toString(16).padStart(64, '0') as TensorHash
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

  pull(tensor: HeldActivation, pulled: (bytes: Uint8Array | undefined) => void): () => void {
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

  listen(events: TransportEvents): () => void {
    this.network.listen(this.self, events)
    return () => this.network.listen(this.self, undefined)
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

  pull(tensor: HeldActivation, pulled: (bytes: Uint8Array | undefined) => void): () => void {
    return this.network.pull(tensor, pulled)
  }

  ban(peer: PeerId): void {
    this.network.ban(this.self, peer)
  }
}
