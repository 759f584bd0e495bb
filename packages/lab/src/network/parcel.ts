import type { Judged, Message } from '@layerswarm/swarm'
import { VirtualEvent } from '@layerswarm/swarm/testing'
import type { LabStation, Lane } from './lane.ts'

/** A message on its way through a lane. */
export interface Parcel {
  readonly author: LabStation
  readonly kind: Message['kind']
  /** In which it travels. */
  readonly lane: Lane
  /** Grows with every message of the network, as gossipsub's number does with every one of an author. */
  readonly number: bigint
  /** Framing included. */
  readonly bytes: number
  /** The verdict on its bytes, which is everybody's. */
  content(): Judged
  /** By slot: when the first copy arrives, −1 once it has. */
  readonly arrivalMs: Float64Array
}

/** Who is told that a copy is there. */
interface CopyCarrier {
  arrive(copy: Copy): void
}

/** One copy of a message on its way over one link. */
export class Copy extends VirtualEvent {
  /** It has arrived and waits to be read. */
  isQueued = false
  readonly parcel: Parcel
  readonly from: LabStation
  readonly to: LabStation
  private readonly network: CopyCarrier

  constructor(network: CopyCarrier, parcel: Parcel, from: LabStation, to: LabStation) {
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
