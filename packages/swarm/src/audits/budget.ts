import { heldBytes, isHolder } from '../step.ts'
import type { PeerId } from '../wire/messages.ts'
import type { Ledger } from './ledger.ts'
import type { Stretch } from './stretch.ts'
import { UplinkBudget } from './uplink-budget.ts'
import { type Need, WorkBudget } from './work-budget.ts'

/** What bounds the audits of one member. */
export interface BudgetOptions {
  readonly self: PeerId
  /** This member's uplink as measured, bytes per millisecond; undefined while it is not. */
  readonly uploadBytesPerMs: () => number | undefined
  /** Whether requests of this member wait longer than they should: the lane has no room to spare. */
  readonly isBusy: (nowMs: number) => boolean
}

/**
 * What audits may cost this member and those who work for it.
 *
 * 1. A share of the work that is done for this member, and of its uplink where an input is its own.
 * 2. Nothing while a request waits, unless it is urgent.
 * 3. Once this member has found a liar itself all that is drawn may be run again: finding the others out is worth it,
 *    and what others say lifts nothing.
 */
export class Budget {
  private readonly options: BudgetOptions
  private readonly ledger: Ledger
  private readonly uplink: UplinkBudget
  private readonly work = new WorkBudget()

  constructor(options: BudgetOptions, ledger: Ledger) {
    this.options = options
    this.ledger = ledger
    this.uplink = new UplinkBudget(options.uploadBytesPerMs)
  }

  /** Layers were run for this member. */
  earned(layers: number): void {
    this.work.earned(layers)
  }

  /** Takes what running a stretch again costs, if it is to be had. @param need why, of those who ran it unless given. */
  take(stretch: Stretch, nowMs: number, need = this.needOf(stretch.peers, nowMs)): boolean {
    const { hasMetLiars } = this.ledger
    const isUrgent = need === 'urgent'
    if (!isUrgent && !hasMetLiars && this.options.isBusy(nowMs)) return false
    if (!this.takeOwn(stretch, nowMs, isUrgent || hasMetLiars)) return false
    return hasMetLiars || this.work.take(stretch.layers.length, need)
  }

  /** Takes the bytes of what a stretch began with where that is sent from here. */
  takeOwn({ before, atOnce }: Stretch, nowMs: number, isUrgent = false): boolean {
    const { self } = this.options
    const own = atOnce === undefined ? before : { ...before, activation: atOnce }
    return !isHolder(self, own) || this.uplink.take(heldBytes(own), nowMs, isUrgent)
  }

  /** Takes bytes of the uplink for an audit that has begun. */
  takeBytes(bytes: number, nowMs: number): boolean {
    return this.uplink.take(bytes, nowMs, true)
  }

  private needOf(peers: readonly PeerId[], nowMs: number): Need {
    const { ledger } = this
    if (peers.some((peer) => ledger.isHinted(peer, nowMs))) return 'urgent'
    return peers.some((peer) => ledger.isStranger(peer)) ? 'stranger' : 'known'
  }
}
