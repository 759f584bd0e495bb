import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { defaultMultiaddrSorter } from '@libp2p/utils'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { countDown, within } from '../deadline.ts'
import {
  DIAL_PROMPT_MS,
  DIAL_SLOW_MS,
  DIAL_STEP_MS,
  DIAL_TIMEOUT_MS,
  DIALS_AT_ONCE_MAX,
  PLAIN_DIAL_TIMEOUT_MS,
  SOCKET_DIALS_AT_ONCE_MAX,
  SOCKET_DIALS_MAX,
  WEBRTC_DIALS_MAX,
} from '../limits.ts'
import type { SwarmNode, Ways } from '../node/libp2p-config.ts'
import { isDirect, isOpen } from '../node/peer-connections.ts'
import { isCircuit } from '../node/reach.ts'
import type { Acquaintance } from './acquaintances.ts'
import { type Place, type PlaceState, Places, placeOf } from './places.ts'

/** `queued`: it is this peer's turn. `urgent`: somebody waits for what it has. */
export type DialKind = 'queued' | 'urgent'

/** What dials work on. */
export interface DialsNeeds {
  node: Pick<SwarmNode, 'dial' | 'getConnections'>
  ways: Pick<Ways, 'canDial'>
  /** Bootstrap nodes, to which the relay keeper alone connects. */
  isForwarder(peer: string): boolean
  /** A dial has grown slow: another one may begin. */
  grewSlow(): void
  /** A dial has ended. */
  ended(): void
}

/** `socket`: straight to a peer. `webrtc`: by way of a relay, which costs both ends far more. */
export type Carriage = 'socket' | 'webrtc'

/** How many dials there are, and how long one holds up the others. */
export interface DialsBounds {
  /** Beside those that have grown slow. */
  atOnceMax: number
  /** With these. */
  underWayMax: number
  slowMs: number
}

/** Those of a peer, for each kind. */
export const DIALS_DEFAULTS: Readonly<Record<Carriage, DialsBounds>> = Object.freeze({
  socket: {
    atOnceMax: SOCKET_DIALS_AT_ONCE_MAX,
    underWayMax: SOCKET_DIALS_MAX,
    slowMs: DIAL_PROMPT_MS,
  },
  webrtc: { atOnceMax: DIALS_AT_ONCE_MAX, underWayMax: WEBRTC_DIALS_MAX, slowMs: DIAL_SLOW_MS },
})

/** Who is dialled. */
export type Dialled = Pick<Acquaintance, 'peer' | 'addresses' | 'attempts'>

/** A dial that is under way. */
interface Slot {
  readonly kind: DialKind
  readonly carriage: Carriage
  isSlow: boolean
}

/** One address of a peer. */
interface Way {
  readonly address: string
  /** That a circuit goes through. */
  readonly relay: PeerId | undefined
  readonly place: Place | undefined
}

/**
 * Dials peers at the addresses that they have announced, which may be made up.
 *
 * 1. One dial per peer.
 * 2. The two kinds have slots of their own: whoever sends this peer after tensors that strangers hold keeps it
 *    from meeting nobody, and the other way round. So have sockets and WebRTC: a peer that no socket leads to has
 *    another turn for WebRTC.
 * 3. A dial that has grown slow makes room for another one, up to a maximum in all.
 * 4. Addresses are dialled one after the other, so that it is known which of them is silent; see `Places`.
 * 5. No circuit of a bootstrap node that is away is dialled: that would look for it where a stranger says it is,
 *    and libp2p would have its relay keeper's dial wait for that.
 */
export class Dials {
  private readonly needs: DialsNeeds
  private readonly bounds: Readonly<Record<Carriage, DialsBounds>>
  private readonly places = new Places()
  private readonly underWay = new Map<string, Promise<boolean>>()
  private readonly slots = new Set<Slot>()
  /** Read once for each list that a peer announces. */
  private readonly read = new WeakMap<readonly string[], readonly Way[]>()
  /** Lists of which no socket led to the peer: WebRTC is next. */
  private readonly socketless = new WeakSet<readonly string[]>()

  constructor(needs: DialsNeeds, bounds: Partial<Record<Carriage, DialsBounds>> = {}) {
    this.needs = needs
    this.bounds = { ...DIALS_DEFAULTS, ...bounds }
  }

  /** How many are under way that may soon be connections. */
  get young(): number {
    return [...this.slots].filter(({ isSlow }) => !isSlow).length
  }

  /** The dial to a peer, if one is under way. */
  to(peer: string): Promise<boolean> | undefined {
    return this.underWay.get(peer)
  }

  /** Whether a dial of these addresses may begin; what cannot be dialled from here has no turn and fails when it is urgent. */
  mayBegin(addresses: readonly string[], kind: DialKind): boolean {
    if (this.waysTo(addresses).length === 0) return kind === 'urgent'
    const carriage = this.nextOf(addresses, kind)
    return carriage !== undefined && this.hasSlot(kind, carriage)
  }

  private hasSlot(kind: DialKind, carriage: Carriage): boolean {
    const { atOnceMax, underWayMax } = this.bounds[carriage]
    const same = [...this.slots].filter((one) => one.kind === kind && one.carriage === carriage)
    return same.length < underWayMax && same.filter((one) => !one.isSlow).length < atOnceMax
  }

  /** What would be dialled; undefined when all are to wait. */
  private nextOf(addresses: readonly string[], kind: DialKind): Carriage | undefined {
    const states = { socket: new Set<PlaceState>(), webrtc: new Set<PlaceState>() }
    for (const way of this.waysTo(addresses)) states[carriageOf(way)].add(this.stateOf(way, kind))
    const { socket, webrtc } = states
    if (!this.socketless.has(addresses) || webrtc.size === 0) {
      if (socket.has('busy')) return undefined
      if (socket.has('open')) return 'socket'
    }
    return webrtc.has('open') && !webrtc.has('busy') ? 'webrtc' : undefined
  }

  /** Dials in vain to where these addresses lead, at the best of those that are open. */
  silencesAt(addresses: readonly string[]): number {
    const nowMs = performance.now()
    const counts = this.waysTo(addresses)
      .filter((way) => this.stateOf(way, 'queued') === 'open')
      .map((way) => this.placeNow(way))
      .map((place) => (place === undefined ? 0 : this.places.silencesAt(place, nowMs)))
    return counts.length === 0 ? 0 : Math.min(...counts)
  }

  /**
   * Begins at once.
   * @returns false when there was no way by a socket, and WebRTC is next.
   * @throws Error when nobody answers.
   */
  async dial(one: Dialled, kind: DialKind, signal: AbortSignal): Promise<boolean> {
    const { peer, addresses } = one
    const carriage = this.nextOf(addresses, kind)
    if (carriage === undefined) throw new Error(`${peer} cannot be dialled from here now`)
    const slot = { kind, carriage, isSlow: false }
    this.slots.add(slot)
    const stopCounting = this.whenSlow(carriage, () => {
      slot.isSlow = true
    })
    const dialling = this.connect(one, slot, signal)
    this.underWay.set(peer, dialling)
    try {
      return await dialling
    } finally {
      stopCounting()
      this.slots.delete(slot)
      this.underWay.delete(peer)
      this.needs.ended()
    }
  }

  private whenSlow(carriage: Carriage, act: () => void): () => void {
    return countDown(this.bounds[carriage].slowMs, DIAL_STEP_MS, () => {
      act()
      this.needs.grewSlow()
    })
  }

  private async connect(
    { addresses, attempts }: Dialled,
    { kind, carriage }: Slot,
    signal: AbortSignal,
  ): Promise<boolean> {
    const ways = this.nearest(addresses, carriage)
    this.socketless.delete(addresses)
    if (carriage === 'webrtc') {
      await this.dialEach(ways, kind, DIAL_TIMEOUT_MS, signal)
      return true
    }
    const isNext = this.nearest(addresses, 'webrtc').some(
      (way) => this.stateOf(way, kind) === 'open',
    )
    const isPatient = !isNext && attempts > 0
    try {
      await this.dialEach(ways, kind, isPatient ? DIAL_TIMEOUT_MS : PLAIN_DIAL_TIMEOUT_MS, signal)
      return true
    } catch (error) {
      if (!isNext || signal.aborted) throw error
      this.socketless.add(addresses)
      return false
    }
  }

  private async dialEach(
    ways: readonly Way[],
    kind: DialKind,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const targets = new Map(ways.map((way) => [multiaddr(way.address), way]))
    await within(timeoutMs, signal, async (bounded) => {
      let failure: unknown = new Error('others are being dialled at its addresses')
      for (const target of defaultMultiaddrSorter([...targets.keys()])) {
        bounded.throwIfAborted()
        const way = targets.get(target)
        if (way === undefined || this.stateOf(way, kind) !== 'open') continue
        try {
          return await this.dialOne(way, target, bounded, signal)
        } catch (error) {
          failure = error
        }
      }
      throw failure
    })
  }

  private async dialOne(
    way: Way,
    target: Multiaddr,
    bounded: AbortSignal,
    signal: AbortSignal,
  ): Promise<void> {
    const startMs = performance.now()
    const place = this.placeNow(way)
    const visit = place === undefined ? undefined : this.places.visit(place, startMs)
    const stopCounting = this.whenSlow(carriageOf(way), () => visit?.grewSlow(performance.now()))
    try {
      // Without `force` libp2p hands back a circuit that is still open from an earlier attempt.
      await this.needs.node.dial([target], { signal: bounded, force: true })
      visit?.ended('answered', performance.now())
    } catch (error) {
      const nowMs = performance.now()
      // A relay that has been reached is not to blame for whom it leads to.
      const isPlace = this.placeNow(way) !== undefined && !signal.aborted
      visit?.ended(isPlace && nowMs - startMs > DIAL_PROMPT_MS ? 'silent' : 'unclear', nowMs)
      throw error
    } finally {
      stopCounting()
    }
  }

  private stateOf(way: Way, kind: DialKind): PlaceState {
    const { relay } = way
    if (relay !== undefined && !this.isReached(relay) && this.needs.isForwarder(relay.toString()))
      return 'shut'
    const place = this.placeNow(way)
    if (place === undefined) return 'open'
    return this.places.stateOf(place, performance.now(), kind === 'urgent')
  }

  /** Where a dial begins; undefined for a circuit of a relay that is connected. */
  private placeNow({ relay, place }: Way): Place | undefined {
    return relay !== undefined && this.isReached(relay) ? undefined : place
  }

  private isReached(relay: PeerId): boolean {
    return this.needs.node.getConnections(relay).some((one) => isDirect(one) && isOpen(one))
  }

  private waysTo(addresses: readonly string[]): readonly Way[] {
    const known = this.read.get(addresses)
    if (known !== undefined) return known
    const dialable = addresses.filter((address) => this.needs.ways.canDial(address))
    const ways = dialable.flatMap((address) => wayOf(address) ?? [])
    this.read.set(addresses, ways)
    return ways
  }

  /** Leaves away circuits of relays that are away where another one is not: each takes its time from the others. */
  private nearest(addresses: readonly string[], carriage: Carriage): readonly Way[] {
    const ways = this.waysTo(addresses).filter(
      (way) => carriageOf(way) === carriage && this.needs.ways.canDial(way.address),
    )
    const near = ways.filter(({ relay }) => relay === undefined || this.isReached(relay))
    return near.length > 0 ? near : ways
  }
}

function carriageOf({ relay }: Way): Carriage {
  return relay === undefined ? 'socket' : 'webrtc'
}

/** Undefined for a circuit that names no relay. */
function wayOf(address: string): Way | undefined {
  const place = placeOf(address)
  if (!isCircuit(address)) return { address, relay: undefined, place }
  try {
    const relay = /\/p2p\/([^/]+)\/p2p-circuit/.exec(address)?.[1] ?? ''
    return { address, relay: peerIdFromString(relay), place }
  } catch {
    return undefined
  }
}
