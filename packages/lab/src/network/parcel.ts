import type { Judged, Message } from '@layerswarm/swarm'
import { VirtualEvent } from '@layerswarm/swarm/testing'
import { ARRIVALS_DENSE_MAX } from '../limits.ts'
import type { LabStation, Lane } from './lane.ts'

const NEVER = Number.POSITIVE_INFINITY

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
  readonly arrivals: Arrivals
}

/**
 * When the first copy of a message arrives at whom, by slots of its lane: −1 once it has, Infinity while
 * none is on its way, −Infinity for a slot that the lane did not have when it was said.
 */
export class Arrivals {
  private readonly width: number
  /** Of a lane that a few thousand are about to leave, most slots never hear of it. */
  private readonly dense: number[] | undefined
  private readonly sparse: Map<number, number> | undefined

  constructor(width: number) {
    this.width = width
    if (width <= ARRIVALS_DENSE_MAX) this.dense = new Array<number>(width).fill(NEVER)
    else this.sparse = new Map()
  }

  get(slot: number): number {
    if (slot >= this.width) return Number.NEGATIVE_INFINITY
    return this.dense?.[slot] ?? this.sparse?.get(slot) ?? NEVER
  }

  set(slot: number, atMs: number): void {
    if (this.dense !== undefined) this.dense[slot] = atMs
    else this.sparse?.set(slot, atMs)
  }
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
