import { draw } from '../draw.ts'
import type { Withholding } from '../fetch/withholding.ts'
import { BARRED_MAX, PRESENCE_INTERVAL_MS_MAX } from '../limits.ts'
import { tagOf } from '../presence/near.ts'
import type { KnownPeer, PeerTable } from '../presence/peer-table.ts'
import type { ClassifyPolicy } from '../request.ts'
import { isComplete, type ModelShape, openLayers } from '../step.ts'
import type { PeerId, Step } from '../wire/messages.ts'
import { GREETED_MS } from './limits.ts'
import type { Pending } from './pending.ts'

/**
 * Whether somebody alive can go on with a step.
 *
 * 1. A step with all layers applied needs nobody, and one whose author names somebody has a host.
 * 2. A missing host counts from when everybody in the lane has announced itself once: before, a layer
 *    without a known host may well have one that was not heard yet.
 */
export class Coverage {
  private readonly shape: ModelShape
  private readonly table: PeerTable
  private readonly own: ReadonlySet<number>
  private readonly withholding: Pick<Withholding, 'avoided'>
  private enteredAtMs: number

  /**
   * @param own the layers that this member hosts.
   * @param withholding who hands results to nobody.
   */
  constructor(
    shape: ModelShape,
    table: PeerTable,
    own: ReadonlySet<number>,
    withholding: Pick<Withholding, 'avoided'>,
    nowMs: number,
  ) {
    this.shape = shape
    this.table = table
    this.own = own
    this.withholding = withholding
    this.enteredAtMs = nowMs
  }

  /** It is in another lane, whose members have not announced themselves yet. */
  laneEntered(nowMs: number): void {
    this.enteredAtMs = nowMs
  }

  /** When it came to its lane, milliseconds. */
  get enteredMs(): number {
    return this.enteredAtMs
  }

  /** Whether this member came to the lane so lately that those who greet newcomers need not have been heard. */
  isNew(nowMs: number): boolean {
    return nowMs < this.enteredAtMs + GREETED_MS
  }

  /** Whether it has been in the lane for less than it takes everybody there to announce itself once. */
  isStillMeeting(nowMs: number): boolean {
    return nowMs < this.laneKnownAtMs
  }

  /** Whether someone alive hosts a layer that may come next, or none is needed any more. */
  isCovered(step: Step): boolean {
    if (isComplete(step, this.shape.layers)) return true
    // Its author knows a host, though this member has not heard of it yet.
    if (step.next !== undefined && step.route.length > 0) return true
    const open = openLayers(step, this.shape.layers)
    for (const { presence } of this.table.all())
      if (presence.layers.some((layer) => open[layer])) return true
    return false
  }

  /** Of the layers that are still asked for, those that nobody hosts, this member included, and how many can be run. */
  shortage(step: Step): { readonly unhosted: number[]; readonly runnable: number } {
    const hosted = this.hosted()
    const { plan, route } = step
    const open = openLayers(step, this.shape.layers).flatMap((isOpen, layer) =>
      isOpen ? [layer] : [],
    )
    const left = plan.length > 0 ? plan.slice(route.length) : open
    const unhosted = left.filter((layer) => !hosted.has(layer))
    const stopsAt = left.findIndex((layer) => !hosted.has(layer))
    const isStopped = plan.length > 0 && stopsAt >= 0
    return { unhosted, runnable: isStopped ? stopsAt : left.length - unhosted.length }
  }

  /**
   * What could still be asked for of a release that keeps its order, where layers that nobody hosts stand before
   * others; undefined where that would be no more than what has run, or no answer.
   */
  planWithoutGaps({ newest, leastHops }: Pending): readonly number[] | undefined {
    const { plan, route, isPrivate } = newest
    if (this.shape.keepsOrder !== true || isPrivate) return undefined
    const hosted = this.hosted()
    const left = plan.filter((layer) => hosted.has(layer))
    const isWorthIt = left.length < plan.length && left.length > route.length
    return isWorthIt && left.length >= leastHops ? left : undefined
  }

  /** The layers that somebody hosts, this member included. */
  private hosted(): Set<number> {
    const hosted = new Set(this.own)
    for (const { presence } of this.table.all())
      for (const layer of presence.layers) hosted.add(layer)
    return hosted
  }

  /**
   * The tags of those who are to have no part in a request: the barred, and whom it would rather avoid, those among
   * them who hand results to nobody, as far as that leaves half of the hosts. Whom it would rather avoid come back, the
   * host of most layers first, where a layer had no host without them.
   */
  bars(
    { avoid, plan }: Pick<ClassifyPolicy, 'avoid' | 'plan'>,
    barred: readonly number[],
    nowMs: number,
  ): readonly number[] {
    const unwanted = new Set(avoid)
    const isOut = ({ peer, mark }: KnownPeer) => unwanted.has(peer) || barred.includes(tagOf(mark))
    const avoided = new Set([...avoid, ...this.withholders(isOut, nowMs)])
    if (avoided.size === 0) return barred
    const layers = plan.length > 0 ? plan : Array.from({ length: this.shape.layers }, (_, i) => i)
    const open = new Set(layers.filter((layer) => !this.own.has(layer)))
    const host = (peer: PeerId) => {
      for (const layer of this.table.get(peer)?.presence.layers ?? []) open.delete(layer)
    }
    for (const { peer, mark } of this.table.all())
      if (!avoided.has(peer) && !barred.includes(tagOf(mark))) host(peer)
    for (let back = this.hostOfMost(open, avoided); back; back = this.hostOfMost(open, avoided)) {
      avoided.delete(back)
      host(back)
    }
    // Where there is no room for all, the least suspect go first.
    const tags = [...avoided].map((peer) => tagOf(draw(peer))).toReversed()
    return [...tags, ...barred].slice(-BARRED_MAX)
  }

  /**
   * Of those who hand results to nobody whom a request avoids, the most suspect first: of no layer more than half of
   * the hosts. Two who agree can make others look like that, and would have all layers to themselves.
   * @param isOut who has no part in it anyway.
   */
  private withholders(isOut: (known: KnownPeer) => boolean, nowMs: number): PeerId[] {
    const suspects = this.withholding.avoided(nowMs)
    if (suspects.length === 0) return []
    const hosts = Array.from({ length: this.shape.layers }, (_, layer) => +this.own.has(layer))
    const layersOf = ({ presence }: KnownPeer) => presence.layers.filter((layer) => layer in hosts)
    const there = new Map([...this.table.all()].map((known) => [known.peer, known]))
    for (const known of there.values())
      if (!isOut(known)) for (const layer of layersOf(known)) hosts[layer] = (hosts[layer] ?? 0) + 1
    const left = [...hosts]
    return suspects.filter((peer) => {
      const known = there.get(peer)
      if (known === undefined || isOut(known)) return false
      const layers = layersOf(known)
      if (layers.some((layer) => 2 * ((left[layer] ?? 0) - 1) < (hosts[layer] ?? 0))) return false
      for (const layer of layers) left[layer] = (left[layer] ?? 0) - 1
      return true
    })
  }

  /** Of these peers the one that hosts most of these layers; undefined where none hosts any. */
  private hostOfMost(layers: ReadonlySet<number>, peers: ReadonlySet<PeerId>): PeerId | undefined {
    let [best, most]: [PeerId | undefined, number] = [undefined, 0]
    for (const peer of peers) {
      const hosted = this.table.get(peer)?.presence.layers ?? []
      const count = hosted.filter((layer) => layers.has(layer)).length
      if (count > most) [best, most] = [peer, count]
    }
    return best
  }

  /** Looks anew at a request whose step is another, or whose lane has changed. */
  judge(wanted: Pending, nowMs: number): void {
    const { newest, patience } = wanted
    if (this.isCovered(newest)) return patience.covered()
    const isGap = this.planWithoutGaps(wanted) !== undefined
    patience.uncovered(this.laneKnownAtMs, nowMs, isGap)
  }

  /** When everybody in the lane has announced itself once, milliseconds. */
  private get laneKnownAtMs(): number {
    return this.enteredAtMs + PRESENCE_INTERVAL_MS_MAX
  }
}
