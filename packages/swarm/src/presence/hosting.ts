import type { Effect } from '../effects.ts'
import { JOIN_LISTEN_MS, PRESENCE_INTERVAL_MS } from '../limits.ts'
import type { PeerId } from '../wire/messages.ts'
import type { KnownPeer, PeerTable } from './peer-table.ts'
import { rarestLayers, rebalance } from './placement.ts'

/** What a member is to host. */
export interface HostingOptions {
  readonly self: PeerId
  /** Layers of the model. */
  readonly layers: number
  /** Fixed layers, or `auto` to take the rarest. */
  readonly serve: 'auto' | readonly number[]
  /** Layers to host in `auto`; 0 asks only. */
  readonly capacity: number
}

/** Which members count as hosts of what they announce. */
export interface HostTrust {
  /** For whoever has room for more layers: a newcomer has not met everybody yet. */
  mayHost(known: KnownPeer): boolean
  /** For whoever gives up a layer for another: it leaves it to those that have delivered, or can be tried. */
  hosts(known: KnownPeer): boolean
}

const NEVER = Number.POSITIVE_INFINITY

/**
 * Which layers this member hosts: takes them at the start, and mends coverage ever after.
 *
 * 1. A layer is hosted from the moment that it is loaded until it is dropped.
 * 2. It never hosts more than its capacity, layers on their way included.
 * 3. A layer that could not be loaded is not asked for again.
 * 4. While anything is loading, or the member is paused, nothing else is begun.
 * 5. A layer is given up only to those that have delivered, or that anybody could try: names of which nobody will
 *    ever know better, without a way to them or without room for work, do not empty a layer.
 */
export class Hosting {
  private readonly options: HostingOptions
  private readonly table: PeerTable
  private readonly loaded = new Set<number>()
  private readonly underWay = new Set<number>()
  private readonly refused = new Set<number>()
  private most: number
  private isPaused = false
  private round = 0
  private placeAtMs: number

  constructor(options: HostingOptions, table: PeerTable, nowMs: number) {
    this.options = options
    this.table = table
    this.most = options.serve === 'auto' ? options.capacity : options.serve.length
    this.placeAtMs = options.serve === 'auto' ? nowMs + JOIN_LISTEN_MS : nowMs
  }

  /** The layers that can be run here. */
  get hosted(): ReadonlySet<number> {
    return this.loaded
  }

  get loading(): ReadonlySet<number> {
    return this.underWay
  }

  get capacity(): number {
    return this.most
  }

  get paused(): boolean {
    return this.isPaused
  }

  set paused(paused: boolean) {
    this.isPaused = paused
  }

  /** Whether it hosts, or is about to. */
  get serves(): boolean {
    return this.most > 0 && !this.isPaused
  }

  /** What others may know of: nothing while it is paused. */
  announced(): number[] {
    return this.isPaused ? [] : [...this.loaded].sort((a, b) => a - b)
  }

  /** When `place` is due next. */
  wakeAtMs(): number {
    return this.placeAtMs
  }

  /** It is in another lane: what is rare there is known soon. */
  laneEntered(nowMs: number): void {
    if (this.options.serve === 'auto') this.placeAtMs = nowMs + JOIN_LISTEN_MS
  }

  /** Takes on or swaps layers when that is due. @param trust who counts as a host; asked only then. */
  place(nowMs: number, trust: () => HostTrust): { effects: Effect[]; changed: boolean } {
    if (nowMs < this.placeAtMs) return { effects: [], changed: false }
    const { serve } = this.options
    if (serve !== 'auto') {
      this.placeAtMs = NEVER
      return { effects: this.load(serve), changed: false }
    }
    this.placeAtMs = nowMs + PRESENCE_INTERVAL_MS
    if (this.isPaused || this.underWay.size > 0) return { effects: [], changed: false }
    const { mayHost, hosts } = trust()
    const wanted = this.rarest(mayHost)
    return wanted.length > 0 ? { effects: this.load(wanted), changed: false } : this.swap(hosts)
  }

  /** A layer is there, or could not be loaded. @returns whether what it hosts has changed. */
  ended(layer: number, failure: string | undefined): boolean {
    this.underWay.delete(layer)
    if (failure === undefined) this.loaded.add(layer)
    else this.refused.add(layer)
    return failure === undefined
  }

  /** Another capacity: the layers that others host most go first. */
  resize(layers: number, nowMs: number): Effect[] {
    this.most = layers
    this.placeAtMs = nowMs
    const coverage = this.table.coverage(this.options.layers)
    const surplus = [...this.loaded]
      .sort((a, b) => (coverage[b] as number) - (coverage[a] as number))
      .slice(0, Math.max(0, this.loaded.size - layers))
    for (const layer of surplus) this.loaded.delete(layer)
    return surplus.map((layer) => ({ do: 'drop-layer', layer }))
  }

  /** The rarest layers for which there is room. */
  private rarest(mayHost: HostTrust['mayHost']): number[] {
    const free = this.most - this.loaded.size
    if (free <= 0) return []
    const strength = this.table.strength(this.options.layers, mayHost)
    const hosts = strength.map((count, layer) =>
      this.loaded.has(layer) || this.refused.has(layer) ? NEVER : count,
    )
    return rarestLayers(hosts, free, this.options.self).filter((layer) => hosts[layer] !== NEVER)
  }

  private swap(hosts: HostTrust['hosts']): { effects: Effect[]; changed: boolean } {
    const { self, layers } = this.options
    const { loaded, table } = this
    const strength = table.strength(layers, hosts)
    const swap = rebalance(strength, loaded, this.most, self, table.size, this.round++)
    if (swap === undefined || this.refused.has(swap.host)) return { effects: [], changed: false }
    if (swap.drop === undefined) return { effects: this.load([swap.host]), changed: false }
    loaded.delete(swap.drop)
    const dropped: Effect = { do: 'drop-layer', layer: swap.drop }
    return { effects: [dropped, ...this.load([swap.host])], changed: true }
  }

  private load(layers: readonly number[]): Effect[] {
    for (const layer of layers) this.underWay.add(layer)
    return layers.map((layer) => ({ do: 'host-layer', layer }))
  }
}
