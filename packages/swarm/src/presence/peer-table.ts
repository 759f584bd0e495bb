import { draw } from '../draw.ts'
import { type Heard, isOldNews } from '../gate/newest.ts'
import { PEERS_MAX, PRESENCE_TTL_MS } from '../limits.ts'
import type { PeerId, Presence } from '../wire/messages.ts'
import { SLOW_HOST_FACTOR, SLOW_HOST_MS, SLOW_HOST_WEIGHT } from './limits.ts'

/** Another member of the release, as it announced itself. */
export interface KnownPeer {
  readonly peer: PeerId
  readonly presence: Presence
  readonly heardAtMs: number
  readonly firstHeardAtMs: number
  /** When it last announced that it has room for work, or else was first heard. */
  readonly freeAtMs: number
  /** `draw(peer)`, computed once. */
  readonly mark: number
}

/**
 * Who is there and hosts what, from presence alone.
 *
 * 1. At most PEERS_MAX peers are remembered; the one unheard for longest makes room, of those that are not kept while
 *    there are any: nobody is driven out by names that are only heard of.
 * 2. A peer unheard for PRESENCE_TTL_MS does not count any more.
 * 3. Presence of another release is not recorded.
 */
export class PeerTable {
  private readonly known = new Map<PeerId, KnownPeer>()
  private readonly release: string
  private readonly isKept: (peer: PeerId) => boolean

  /** @param isKept who does not make room for others: those that this member is connected to. */
  constructor(release: string, isKept: (peer: PeerId) => boolean = () => false) {
    this.release = release
    this.isKept = isKept
  }

  /** Returns whether this peer was unknown before. */
  hear(peer: PeerId, presence: Presence, nowMs: number): boolean {
    if (presence.release !== this.release) return false
    const before = this.known.get(peer)
    if (before !== undefined && isOldNews(heardOf(before), presence.sequence, nowMs)) return false
    this.known.delete(peer)
    if (presence.leaving) return false
    if (this.known.size >= PEERS_MAX) this.makeRoom()
    const isFree = before === undefined || presence.freeSlots > 0 || !this.alive(before, nowMs)
    this.known.set(peer, {
      peer,
      presence,
      heardAtMs: nowMs,
      firstHeardAtMs: before?.firstHeardAtMs ?? nowMs,
      freeAtMs: isFree ? nowMs : before.freeAtMs,
      mark: before?.mark ?? draw(peer),
    })
    return before === undefined
  }

  forget(peer: PeerId): void {
    this.known.delete(peer)
  }

  /** Forgets everybody. @returns who that was. */
  clear(): PeerId[] {
    const gone = [...this.known.keys()]
    this.known.clear()
    return gone
  }

  /** Forgets who has not been heard for PRESENCE_TTL_MS. @returns who that was. */
  expire(nowMs: number): PeerId[] {
    const gone: PeerId[] = []
    // Insertion order is order of hearing, so the expired ones come first.
    for (const entry of this.known.values()) {
      if (this.alive(entry, nowMs)) break
      this.known.delete(entry.peer)
      gone.push(entry.peer)
    }
    return gone
  }

  nextExpiryMs(): number {
    const oldest = this.known.values().next().value
    return oldest === undefined ? Number.POSITIVE_INFINITY : oldest.heardAtMs + PRESENCE_TTL_MS
  }

  get(peer: PeerId): KnownPeer | undefined {
    return this.known.get(peer)
  }

  all(): IterableIterator<KnownPeer> {
    return this.known.values()
  }

  get size(): number {
    return this.known.size
  }

  /** Whether a layer would have no host without this peer. */
  isNeeded(peer: PeerId): boolean {
    const layers = new Set(this.known.get(peer)?.presence.layers)
    for (const { peer: other, presence } of this.known.values())
      if (other !== peer) for (const layer of presence.layers) layers.delete(layer)
    return layers.size > 0
  }

  /** Number of peers in the table that host each layer. */
  coverage(layers: number): number[] {
    const hosts = new Array<number>(layers).fill(0)
    for (const { presence } of this.known.values()) {
      for (const layer of presence.layers)
        if (layer < layers) hosts[layer] = (hosts[layer] as number) + 1
    }
    return hosts
  }

  /**
   * The same, but who is several times slower than half of all counts as a part of a host, and who is not
   * trusted as none: a layer that only stragglers host is as good as rare, one that only liars host has no host.
   */
  strength(layers: number, isTrusted: (peer: KnownPeer) => boolean): number[] {
    const speeds = [...this.known.values()]
      .map(({ presence }) => presence.layerMs)
      .sort((a, b) => a - b)
    const slowMs = SLOW_HOST_FACTOR * (speeds[speeds.length >> 1] ?? 0)
    const hosts = new Array<number>(layers).fill(0)
    for (const known of this.known.values()) {
      if (!isTrusted(known)) continue
      const { presence } = known
      const weight = presence.layerMs > Math.max(slowMs, SLOW_HOST_MS) ? SLOW_HOST_WEIGHT : 1
      for (const layer of presence.layers)
        if (layer < layers) hosts[layer] = (hosts[layer] as number) + weight
    }
    return hosts
  }

  private makeRoom(): void {
    for (const peer of this.known.keys()) {
      if (this.isKept(peer)) continue
      this.forget(peer)
      return
    }
    this.forget(this.known.keys().next().value as PeerId)
  }

  private alive(entry: KnownPeer, nowMs: number): boolean {
    // The same sum as in nextExpiryMs: a difference could round the other way and wake for ever.
    return nowMs < entry.heardAtMs + PRESENCE_TTL_MS
  }
}

function heardOf({ presence, heardAtMs }: KnownPeer): Heard {
  return { number: presence.sequence, atMs: heardAtMs }
}
