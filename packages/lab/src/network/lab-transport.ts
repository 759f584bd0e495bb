import type {
  AccessSpeed,
  HeldActivation,
  LaneCount,
  Message,
  PeerId,
  Signature,
  SignedStatement,
  TensorHash,
  Transport,
  TransportEvents,
} from '@layerswarm/swarm'
import { areSealed, sealOf } from '@layerswarm/swarm/testing'
import type { LabStation } from './lane.ts'
import type { Streams } from './streams.ts'

/** What carries the messages and tensors of everybody. */
interface Carrier {
  readonly streams: Streams
  broadcast(from: LabStation, message: Message): void
  enter(station: LabStation, lane: number): void
  countLanes(station: LabStation, counted: (lanes: readonly LaneCount[] | undefined) => void): void
  /** @param isFirst it was not told to somebody else just before. */
  tell(from: LabStation, message: Message, peer: PeerId, isFirst: boolean): void
  ban(station: LabStation, peer: PeerId): void
  /** Round trip as measured, milliseconds; undefined while it is not. */
  rttMs(station: LabStation, peer: PeerId): number | undefined
}

/** The transport port of one peer of a simulated network. */
export class LabTransport implements Transport {
  readonly station: LabStation
  private readonly network: Carrier
  private openPulls = 0
  private lastTold: Message | undefined
  private tapped: ((message: Message) => void) | undefined

  constructor(network: Carrier, station: LabStation) {
    this.network = network
    this.station = station
  }

  get self(): PeerId {
    return this.station.peer
  }

  /** Pulls that have neither ended nor been cancelled. */
  get pulls(): number {
    return this.openPulls
  }

  sign(statement: Uint8Array, signed: (signature: Signature | undefined) => void): void {
    signed(sealOf(this.self, statement))
  }

  verify(statements: readonly SignedStatement[], verified: (areTrue: boolean) => void): void {
    this.station.traffic.checks += statements.length
    verified(areSealed(statements))
  }

  /** Whoever listens from now on hears each message after this does. */
  tap(tapped: (message: Message) => void): void {
    this.tapped = tapped
  }

  listen(events: TransportEvents): () => void {
    const { tapped } = this
    this.station.events =
      tapped === undefined
        ? events
        : {
            ...events,
            messageArrived: (from, message, via) => {
              tapped(message)
              events.messageArrived(from, message, via)
            },
          }
    return () => {
      this.station.events = undefined
    }
  }

  enter(lane: number): void {
    this.network.enter(this.station, lane)
  }

  countLanes(counted: (lanes: readonly LaneCount[] | undefined) => void): void {
    this.network.countLanes(this.station, counted)
  }

  publish(message: Message): void {
    this.network.broadcast(this.station, message)
  }

  offer(bytes: Uint8Array, offered: (hash: TensorHash | undefined) => void): void {
    offered(this.network.streams.offer(this.station, bytes))
  }

  ban(peer: PeerId): void {
    this.network.ban(this.station, peer)
  }

  withdraw(hash: TensorHash): void {
    this.station.tensors.delete(hash)
  }

  tell(message: Message, to: PeerId): void {
    this.network.tell(this.station, message, to, message !== this.lastTold)
    this.lastTold = message
  }

  push(hash: TensorHash, to: PeerId): void {
    this.network.streams.push(this.station, hash, to)
  }

  reaches(peer: PeerId): boolean {
    return this.station.neighbourLink(peer) !== undefined
  }

  neighbours(): readonly PeerId[] {
    return this.station.links.map(({ to }) => to.peer)
  }

  rttMs(peer: PeerId): number | undefined {
    return this.network.rttMs(this.station, peer)
  }

  accessSpeed(): AccessSpeed {
    const { up, down } = this.station.session
    return { upload: up, download: down }
  }

  pull(
    tensor: HeldActivation,
    isAwaited: boolean,
    pulled: (bytes: Uint8Array | undefined) => void,
  ): () => void {
    let open = true
    this.openPulls++
    const close = () => {
      if (open) this.openPulls--
      open = false
    }
    const cancel = this.network.streams.pull(this.station, tensor, isAwaited, (bytes) => {
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
