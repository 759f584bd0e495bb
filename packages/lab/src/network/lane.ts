import {
  type Gate,
  type PeerId,
  type Presence,
  PUSHED_TENSORS_MAX,
  type TensorHash,
  type TransportEvents,
} from '@layerswarm/swarm'
import { UNREAD_MAX } from '../limits.ts'
import type { Session } from '../scenarios/population.ts'
import { Access } from './access.ts'

/** A direct connection, seen from one end. */
export interface Link {
  readonly to: LabStation
  /** One way, milliseconds. */
  readonly latencyMs: number
  /** There and back as it is measured, milliseconds: with an error that stays. */
  readonly measuredMs: number
}

/** What has crossed one station's access. */
export interface StationTraffic {
  sentBytes: number
  controlBytes: number
  copies: number
  /** Links whose signatures it checked. */
  checks: number
}

/** One peer's place in the network: its access, its connections and what it holds for others. */
export class LabStation {
  readonly session: Session
  readonly serves: boolean
  /** What it sends, receives and reads, one after another. */
  readonly access: Access
  /** Its connections to members of its lane. */
  readonly links: Link[] = []
  /** The same by peer: who is near is asked far more often than it changes. */
  private readonly linkOf = new Map<PeerId, Link>()
  /** Connections that stand from a lane that one of the two has left, the oldest first. */
  readonly past: Link[] = []
  /** The connections on which it forwards what others say. */
  readonly mesh: Link[] = []
  readonly tensors = new Map<TensorHash, Uint8Array>()
  /** What came without being asked for, until it is pulled. */
  readonly pushed = new Map<TensorHash, Uint8Array>()
  /** Pulls that wait for what is on its way. */
  private readonly awaited = new Map<TensorHash, Set<(bytes: Uint8Array) => void>>()
  readonly traffic: StationTraffic = { sentBytes: 0, controlBytes: 0, copies: 0, checks: 0 }
  /** Who is told what arrives; undefined while nobody listens. */
  events: TransportEvents | undefined
  /** It waits for its connections; what it announces meanwhile, the members hear when they stand. */
  isMeeting = false
  unheard: Presence | undefined
  /** It is about to connect to more members of its lane. */
  isDialling = false
  /** When it entered its lane, milliseconds. */
  settledAtMs = 0
  private place: { readonly lane: Lane; readonly slot: number } | undefined
  private isAlive = true
  private isFrozen = false
  /** Judges whatever it hears. */
  readonly gate: Gate
  /** What arrived while it was frozen. */
  private readonly unread: (() => void)[] = []

  constructor(session: Session, serves: boolean, gate: Gate) {
    this.session = session
    this.access = new Access(session)
    this.serves = serves
    this.gate = gate
  }

  get peer(): PeerId {
    return this.session.peer
  }

  /** It hands no tensor to anybody, and does not say so. */
  get withholds(): boolean {
    return this.session.actor === 'withholder'
  }

  /** The lane that it is in or was in last. */
  get lane(): Lane | undefined {
    return this.place?.lane
  }

  /** Its place in the lane's lists, −1 without a lane. */
  get slot(): number {
    return this.place?.slot ?? -1
  }

  get alive(): boolean {
    return this.isAlive
  }

  /** Its sockets are open and nobody reads them. */
  get frozen(): boolean {
    return this.isFrozen
  }

  /** Takes a place in a lane. */
  settle(lane: Lane, slot: number): void {
    this.place = { lane, slot }
  }

  /** It is gone: what it held is gone with it, and nothing reaches it any more. */
  end(): void {
    this.isAlive = false
    this.events = undefined
    this.place?.lane.leave(this)
    this.tensors.clear()
    this.pushed.clear()
    this.awaited.clear()
  }

  /** Hands a tensor over to all who wait for it once it is pushed here. @returns what ends the wait. */
  waitFor(hash: TensorHash, came: (bytes: Uint8Array) => void): () => void {
    const all = this.awaited.get(hash) ?? new Set()
    this.awaited.set(hash, all.add(came))
    return () => {
      all.delete(came)
      if (all.size === 0 && this.awaited.get(hash) === all) this.awaited.delete(hash)
    }
  }

  /** A tensor was pushed here: whoever waits has it, or it is kept; above PUSHED_TENSORS_MAX the oldest goes. */
  arrived(hash: TensorHash, bytes: Uint8Array): void {
    const waiting = [...(this.awaited.get(hash) ?? [])]
    for (const came of waiting) came(bytes)
    if (waiting.length > 0) return
    if (this.pushed.size >= PUSHED_TENSORS_MAX)
      this.pushed.delete(this.pushed.keys().next().value as TensorHash)
    this.pushed.set(hash, bytes)
  }

  /** A pushed tensor, which is not kept any longer. */
  takePushed(hash: TensorHash): Uint8Array | undefined {
    const bytes = this.pushed.get(hash)
    this.pushed.delete(hash)
    return bytes
  }

  freeze(): void {
    this.isFrozen = true
  }

  /** Whether there is a connection, of this lane or of one before. */
  isLinkedTo(other: LabStation): boolean {
    return this.linkTo(other) !== undefined
  }

  /** The connection to another, of this lane or of one before. */
  linkTo(other: LabStation): Link | undefined {
    return this.linkOf.get(other.peer) ?? this.past.find(({ to }) => to === other)
  }

  /** Whether both are in this lane and connected. */
  isNeighbourOf(other: LabStation): boolean {
    return this.linkOf.has(other.peer)
  }

  /** The connection to a member of this lane. */
  neighbourLink(peer: PeerId): Link | undefined {
    return this.linkOf.get(peer)
  }

  /** A connection to a member of this lane stands from now on. */
  meet(link: Link): void {
    this.links.push(link)
    this.linkOf.set(link.to.peer, link)
  }

  /** One of the two has left the lane: the connection stands for what is in flight, until room is needed. */
  part(other: LabStation, pastMax: number): void {
    const link = this.linkOf.get(other.peer)
    if (link === undefined) return
    this.loosen(other)
    this.past.push(link)
    const oldest = this.past.length > pastMax ? this.past[0] : undefined
    if (oldest === undefined) return
    this.unlink(oldest.to)
    oldest.to.unlink(this)
  }

  unlink(other: LabStation): void {
    this.loosen(other)
    const at = this.past.findIndex(({ to }) => to === other)
    if (at >= 0) this.past.splice(at, 1)
  }

  private loosen(other: LabStation): void {
    if (this.linkOf.delete(other.peer)) drop(this.links, other)
    drop(this.mesh, other)
  }

  /** The connection to a peer is gone. */
  lost(peer: PeerId): void {
    this.whenRead(() => {
      this.gate.gone(peer)
      this.events?.peerDisconnected(peer)
    })
  }

  /** Whether what arrives now is read at once. */
  get isReading(): boolean {
    return this.isAlive && !this.isFrozen
  }

  /** Reads something that arrived: now, or when it thaws. */
  whenRead(read: () => void): void {
    if (!this.isAlive) return
    if (!this.isFrozen) read()
    else if (this.unread.length < UNREAD_MAX) this.unread.push(read)
  }

  /** Reads again, first of all what came meanwhile. */
  thaw(): void {
    this.isFrozen = false
    for (const read of this.unread.splice(0)) read()
  }
}

function drop(links: Link[], other: LabStation): void {
  const at = links.findIndex(({ to }) => to === other)
  if (at < 0) return
  links[at] = links.at(-1) as Link
  links.pop()
}

/** The peers that share one gossip topic. Slots are small numbers, so that a message can mark who has it. */
export class Lane {
  readonly index: number
  readonly members = new Set<LabStation>()
  /** The same in a list, so that one can be drawn. */
  private readonly list: LabStation[] = []
  private readonly placeOf = new Map<LabStation, number>()
  private readonly freeSlots: number[] = []
  private slotsUsed = 0
  private serving = 0

  constructor(index: number) {
    this.index = index
  }

  /** Members that serve. */
  get providers(): number {
    return this.serving
  }

  /** Members that only ask. */
  get askers(): number {
    return this.members.size - this.serving
  }

  enter(station: LabStation): void {
    station.settle(this, this.freeSlots.pop() ?? this.slotsUsed++)
    this.members.add(station)
    this.placeOf.set(station, this.list.push(station) - 1)
    if (station.serves) this.serving++
  }

  /** A member. @param at from 0 to one less than there are members. */
  member(at: number): LabStation | undefined {
    return this.list[at]
  }

  leave(station: LabStation): void {
    if (!this.members.delete(station)) return
    const last = this.list.pop() as LabStation
    const at = this.placeOf.get(station) as number
    if (last !== station) {
      this.list[at] = last
      this.placeOf.set(last, at)
    }
    this.placeOf.delete(station)
    this.freeSlots.push(station.slot)
    if (station.serves) this.serving--
  }

  /** Slots ever in use at once: the length of a list with an entry per slot. */
  get width(): number {
    return this.slotsUsed
  }
}
