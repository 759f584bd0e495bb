import type { PeerId, Step } from '../wire/messages.ts'
import {
  AVOIDED_FOR_MS,
  AVOIDED_TURNS_MAX,
  GIVERS_MAX,
  VAIN_SHARE_MAX,
  VAIN_WEIGHT_MIN,
  WITHHELD_WITNESSES,
} from './limits.ts'

/** How often a tensor between two peers did not arrive, as one of the two met it. */
interface Handovers {
  /** Smoothed share of those that did not, 0 … 1. */
  vain: number
  count: number
}

/** A peer as one that hands its results over. */
interface Giver extends Handovers {
  /** Who waited for one in vain and has had none since, at most WITHHELD_WITNESSES. */
  readonly inVain: Set<PeerId>
  avoidedUntilMs: number
  /** How often it was avoided. */
  turns: number
}

/**
 * Who says that it has run layers and hands the results to nobody, and who says so of others, as this member sees it
 * in its own requests and in what it fetches. Whoever chose such a peer counts it as one that delivers, for it says
 * its step in time.
 *
 * 1. What somebody goes on with has arrived, which speaks for both ends; what is said not to have arrived speaks
 *    against both: one of them is at fault, and who often is turns out.
 * 2. Nobody is avoided by one other peer's word: two that were to go on with its results must have waited in vain, or
 *    this member itself, for what the other said that it has. Whom it hands a result to later speaks against it no more.
 * 3. Nobody is avoided for ever: half a minute the first time, twice as long each time after.
 * 4. At most GIVERS_MAX peers are remembered of each kind; the one known for longest makes room.
 */
export class Withholding {
  private readonly self: PeerId
  private readonly givers = new Map<PeerId, Giver>()
  private readonly takers = new Map<PeerId, Handovers>()

  constructor(self: PeerId) {
    this.self = self
  }

  /** A request has come from one step to another: whoever went on with somebody's result had it. */
  followed(before: Step, { route }: Step): void {
    for (let hop = Math.max(1, before.route.length); hop < route.length; hop++)
      this.gave(route[hop - 1]?.peer, route[hop]?.peer)
  }

  /** Somebody has the tensor of a step. */
  had({ activation }: Step, by: PeerId): void {
    if (activation.place === 'held') this.gave(activation.holder, by)
  }

  /** Somebody who was to go on with a step, or to score it, waited for its tensor in vain. */
  inVain({ activation }: Step, by: PeerId, nowMs: number): void {
    if (
      activation.place === 'inline' ||
      activation.holder === by ||
      activation.holder === this.self
    )
      return
    observe(this.taker(by), 1)
    const giver = this.giver(activation.holder)
    if (giver.inVain.size < WITHHELD_WITNESSES) giver.inVain.add(by)
    observe(giver, 1)
    const isSeen = by === this.self || giver.inVain.size >= WITHHELD_WITNESSES
    if (giver.vain <= VAIN_SHARE_MAX || !isSeen || nowMs < giver.avoidedUntilMs) return
    giver.avoidedUntilMs = nowMs + AVOIDED_FOR_MS * 2 ** giver.turns
    giver.turns = Math.min(giver.turns + 1, AVOIDED_TURNS_MAX)
    giver.inVain.clear()
  }

  /** Whether most of its latest results did not arrive. */
  isSuspect(peer: PeerId): boolean {
    return (this.givers.get(peer)?.vain ?? 0) > VAIN_SHARE_MAX
  }

  /** Whether the word of a peer that a tensor is lost is to be acted on: of one that often says so, only against its like. */
  isBelieved(by: PeerId, holder: PeerId): boolean {
    const own = this.takers.get(by)?.vain ?? 0
    return own <= VAIN_SHARE_MAX || own <= (this.givers.get(holder)?.vain ?? 0)
  }

  /** Who had better have no part in a request, those first of whose results most did not arrive. */
  avoided(nowMs: number): PeerId[] {
    return [...this.givers]
      .filter(([peer]) => this.isAvoided(peer, nowMs))
      .sort(([, a], [, b]) => b.vain - a.vain)
      .map(([peer]) => peer)
  }

  isAvoided(peer: PeerId, nowMs: number): boolean {
    return nowMs < (this.givers.get(peer)?.avoidedUntilMs ?? 0)
  }

  private gave(peer: PeerId | undefined, to: PeerId | undefined): void {
    if (peer === undefined || to === undefined || peer === to) return
    observe(this.taker(to), 0)
    if (peer === this.self) return
    const giver = this.giver(peer)
    giver.inVain.delete(to)
    observe(giver, 0)
  }

  private giver(peer: PeerId): Giver {
    const fresh = { vain: 0, count: 0, inVain: new Set<PeerId>(), avoidedUntilMs: 0, turns: 0 }
    return remembered(this.givers, peer, fresh)
  }

  private taker(peer: PeerId): Handovers {
    return remembered(this.takers, peer, { vain: 0, count: 0 })
  }
}

function remembered<T>(records: Map<PeerId, T>, peer: PeerId, fresh: T): T {
  const known = records.get(peer)
  if (known !== undefined) return known
  if (records.size >= GIVERS_MAX) records.delete(records.keys().next().value as PeerId)
  records.set(peer, fresh)
  return fresh
}

/** The first ones weigh more: of somebody new two say enough. */
function observe(record: Handovers, vain: 0 | 1): void {
  const weight = Math.max(VAIN_WEIGHT_MIN, 1 / (record.count + 2))
  record.vain += (vain - record.vain) * weight
  record.count++
}
