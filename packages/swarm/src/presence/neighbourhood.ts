import { draw } from '../draw.ts'
import type { PeerId, Presence } from '../wire/messages.ts'
import { isVouched, rttOf, tagOf } from './near.ts'

/** Measured distances of this member itself. */
export interface OwnDistances {
  reaches(peer: PeerId): boolean
  /** Milliseconds; undefined while it is not measured. */
  rttMs(peer: PeerId): number | undefined
}

interface Announced {
  /** Round trip by tag, milliseconds; undefined where its announcer has not measured it. */
  readonly rttMs: ReadonlyMap<number, number | undefined>
  /** Tags of those that have delivered to the announcer. */
  readonly vouched: ReadonlySet<number>
  readonly strangersFail: number
}

/**
 * Who is how far from whom, from the own measurements and from what members announce of their neighbours.
 * What a member said last stays until it says something else or is forgotten.
 */
export class Neighbourhood {
  private readonly self: PeerId
  private readonly own: OwnDistances
  private readonly announced = new Map<PeerId, Announced>()
  private readonly marks = new Map<PeerId, number>()

  constructor(self: PeerId, own: OwnDistances) {
    this.self = self
    this.own = own
  }

  hear(peer: PeerId, { near, strangersFail }: Presence): void {
    if (near.length === 0) return
    this.announced.set(peer, {
      rttMs: new Map(near.map((neighbour) => [neighbour.tag, rttOf(neighbour)])),
      vouched: new Set(near.filter(isVouched).map(({ tag }) => tag)),
      strangersFail: strangersFail / 255,
    })
  }

  forget(peer: PeerId): void {
    this.announced.delete(peer)
    this.marks.delete(peer)
  }

  /** Forgets what everybody announced. */
  clear(): void {
    this.announced.clear()
    this.marks.clear()
  }

  /** Own round trip, milliseconds; undefined while it is not measured. */
  rttMs(peer: PeerId): number | undefined {
    return this.own.rttMs(peer)
  }

  reaches(peer: PeerId): boolean {
    return peer === this.self || this.own.reaches(peer)
  }

  /** One way between two members, milliseconds; undefined when nobody says that they are connected. */
  wayMs(from: PeerId, to: PeerId): number | undefined {
    if (from === to) return 0
    if (from === this.self || to === this.self) {
      const other = from === this.self ? to : from
      const rtt = this.own.rttMs(other) ?? this.saidRttMs(other, this.self)
      return rtt === undefined ? undefined : rtt / 2
    }
    const rtt = this.saidRttMs(from, to) ?? this.saidRttMs(to, from)
    return rtt === undefined ? undefined : rtt / 2
  }

  /** Tags of all that these members have seen deliver, and what they say of strangers: the median share that failed. */
  hearsay(trusted: Iterable<PeerId>): { vouched: Set<number>; strangersFail: number | undefined } {
    const vouched = new Set<number>()
    const shares: number[] = []
    for (const peer of trusted) {
      const said = this.announced.get(peer)
      if (said === undefined) continue
      for (const tag of said.vouched) vouched.add(tag)
      shares.push(said.strangersFail)
    }
    shares.sort((a, b) => a - b)
    return { vouched, strangersFail: shares[shares.length >> 1] }
  }

  private saidRttMs(by: PeerId, of: PeerId): number | undefined {
    return this.announced.get(by)?.rttMs.get(tagOf(this.markOf(of)))
  }

  private markOf(peer: PeerId): number {
    let mark = this.marks.get(peer)
    if (mark === undefined) {
      mark = draw(peer)
      this.marks.set(peer, mark)
    }
    return mark
  }
}
