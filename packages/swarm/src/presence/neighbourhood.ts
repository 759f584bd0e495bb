import { draw } from '../draw.ts'
import { Recent } from '../gate/recent.ts'
import { NEIGHBOURS_MAX } from '../limits.ts'
import type { Neighbour, PeerId, Presence } from '../wire/messages.ts'
import { MARKS_MAX, WHOLE_PRESENCE_EVERY } from './limits.ts'
import { isVouched, neighbourOfMark, rttOf, tagOf } from './near.ts'

/** Measured distances of this member itself. */
export interface OwnDistances {
  reaches(peer: PeerId): boolean
  /** Milliseconds; undefined while it is not measured. */
  rttMs(peer: PeerId): number | undefined
}

interface Announced {
  /** Heard, and not yet in the two below: most members are never asked about, and making room for each costs. */
  news: (readonly Neighbour[])[]
  /** Round trip by tag, milliseconds; undefined where its announcer has not measured it. */
  readonly rttMs: Map<number, number | undefined>
  /** Tags of those that have delivered to the announcer. */
  readonly vouched: Set<number>
  strangersFail: number
}

/**
 * Who is how far from whom, from the own measurements and from what members announce of their neighbours.
 * What a member said stays until it says something else of the same neighbour or of all, or is forgotten.
 * Of one member at most NEIGHBOURS_MAX neighbours are remembered.
 */
export class Neighbourhood {
  private readonly self: PeerId
  private readonly own: OwnDistances
  private readonly announced = new Map<PeerId, Announced>()
  /** `draw` of whoever was asked about, members or not. */
  private readonly marks = new Recent<number>(MARKS_MAX)

  constructor(self: PeerId, own: OwnDistances) {
    this.self = self
    this.own = own
  }

  hear(peer: PeerId, { near, addresses, strangersFail }: Presence): void {
    // Only a whole one says who is no neighbour any more.
    if (addresses !== undefined) this.announced.delete(peer)
    const said = this.announced.get(peer)
    if (said === undefined) {
      if (near.length === 0) return
      const none = { rttMs: new Map(), vouched: new Set<number>() }
      this.announced.set(peer, { news: [near], ...none, strangersFail: strangersFail / 255 })
      return
    }
    said.strangersFail = strangersFail / 255
    if (near.length > 0) said.news.push(near)
    if (said.news.length > WHOLE_PRESENCE_EVERY) upToDate(said)
  }

  forget(peer: PeerId): void {
    this.announced.delete(peer)
  }

  /** Forgets what everybody announced. */
  clear(): void {
    this.announced.clear()
  }

  /** Own round trip, milliseconds; undefined while it is not measured. */
  rttMs(peer: PeerId): number | undefined {
    return this.own.rttMs(peer)
  }

  reaches(peer: PeerId): boolean {
    return peer === this.self || this.own.reaches(peer)
  }

  /** A neighbour as it is announced now. */
  neighbour(peer: PeerId, hasDelivered: boolean): Neighbour {
    return neighbourOfMark(this.markOf(peer), this.own.rttMs(peer), hasDelivered)
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
      const said = this.saidBy(peer)
      if (said === undefined) continue
      for (const tag of said.vouched) vouched.add(tag)
      shares.push(said.strangersFail)
    }
    shares.sort((a, b) => a - b)
    return { vouched, strangersFail: shares[shares.length >> 1] }
  }

  /** Whether anybody at all, trusted or not, has said that it has seen this one deliver. @param mark `draw` of it. */
  isKnownToDeliver(mark: number): boolean {
    const tag = tagOf(mark)
    for (const said of this.announced.values()) if (upToDate(said).vouched.has(tag)) return true
    return false
  }

  private saidRttMs(by: PeerId, of: PeerId): number | undefined {
    return this.saidBy(by)?.rttMs.get(tagOf(this.markOf(of)))
  }

  private saidBy(peer: PeerId): Announced | undefined {
    const said = this.announced.get(peer)
    return said === undefined ? undefined : upToDate(said)
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

/** Puts what was heard into its place. */
function upToDate(said: Announced): Announced {
  if (said.news.length === 0) return said
  const { rttMs, vouched } = said
  for (const near of said.news)
    for (const neighbour of near) {
      const { tag } = neighbour
      if (rttMs.size >= NEIGHBOURS_MAX && !rttMs.has(tag)) continue
      rttMs.set(tag, rttOf(neighbour))
      if (isVouched(neighbour)) vouched.add(tag)
      else vouched.delete(tag)
    }
  said.news = []
  return said
}
