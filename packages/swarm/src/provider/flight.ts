import { ERAS_MAX } from '../limits.ts'
import { follows, isComplete, openLayers } from '../step.ts'
import type { Claim, PeerId, RequestId, Step } from '../wire/messages.ts'

/**
 * One request as a provider follows it.
 *
 * 1. Its newest step is replaced by one that supersedes it, or by the step before in a new era.
 * 2. The step before is the one that the newest follows; where that is not known there is none.
 * 3. Who will not do the newest step is forgotten with that step, who let a claim expire with the request.
 */
export class Flight {
  private step: Step
  private before: Step | undefined
  private seenAtMs: number
  private endsAtMs: number
  /** A claim on the newest step came to nothing, or it was offered again: its time says nothing of the lane. */
  private isDisturbed = false
  /** The newest tensor cannot be had and there is no older step: only the requester can go on. */
  private isLost = false
  private failedPulls = 0
  /** There is no way from here to whoever holds the newest tensor. */
  private isApart = false
  /** When this provider last published a step of the request itself. */
  private saidAtMs = Number.NEGATIVE_INFINITY
  private readonly unwilling = new Set<PeerId>()
  private readonly failed = new Set<PeerId>()
  /** Who should claim the newest step at once, as this peer sees it. */
  private favourite: PeerId | undefined

  constructor(step: Step, nowMs: number) {
    this.step = step
    this.seenAtMs = nowMs
    this.endsAtMs = nowMs + step.remainingMs
  }

  get request(): RequestId {
    return this.step.request
  }

  get newest(): Step {
    return this.step
  }

  get deadlineMs(): number {
    return this.endsAtMs
  }

  /** Who ran the last layer; undefined before the first. */
  get author(): PeerId | undefined {
    return this.step.route.at(-1)?.peer
  }

  /** What is left of the requester's time, milliseconds. */
  remainingMs(nowMs: number): number {
    return Math.max(0, this.endsAtMs - nowMs)
  }

  /** The newest step as it is said now. */
  message(nowMs: number): Step {
    return { ...this.step, remainingMs: this.remainingMs(nowMs) }
  }

  /** Layers that may come next, as one flag per layer of the model; undefined when there is nothing to run on. */
  open(layers: number): boolean[] | undefined {
    const isOver = this.isLost || this.isApart || isComplete(this.step, layers)
    return isOver ? undefined : openLayers(this.step, layers)
  }

  /** Goes on to a step that supersedes the newest. */
  advance(step: Step, nowMs: number): void {
    this.before = follows(step, this.step) ? this.step : undefined
    this.step = step
    this.seenAtMs = nowMs
    this.shorten(step, nowMs)
    this.isDisturbed = false
    this.isLost = false
    this.beginStep()
  }

  /** The newest step, with somebody named to go on with it or nobody. */
  name(next: PeerId | undefined): void {
    this.step = { ...this.step, next }
  }

  /** The newest tensor can be had in another place. */
  moveTensor(activation: Step['activation']): void {
    this.step = { ...this.step, activation, next: undefined }
  }

  /** The requester has asked for another choice, in a new era. */
  beginEra(era: number): void {
    this.step = { ...this.step, era, next: undefined }
    this.disturb()
  }

  /** The newest step is offered again, perhaps with its tensor in another place. */
  repeat(step: Step, nowMs: number): void {
    // Whoever names this peer has a way to it; otherwise only another holder makes a difference.
    if (step.next !== undefined || holderOf(step) !== holderOf(this.step)) this.isApart = false
    this.step = step
    this.shorten(step, nowMs)
    this.isLost = false
    this.disturb()
  }

  /** Whether a claim shows that others have gone back to the step before. */
  isBehind({ era, hop }: Pick<Claim, 'era' | 'hop'>): boolean {
    return (
      this.before !== undefined && era === this.step.era + 1 && hop === this.before.route.length
    )
  }

  /** The newest tensor cannot be had: goes back to the step before, in a new era, or waits for the requester. */
  goBack(): void {
    if (this.before === undefined || this.step.era >= ERAS_MAX) {
      this.isLost = true
      return
    }
    this.step = { ...this.before, era: this.step.era + 1 }
    this.before = undefined
    this.disturb()
    this.beginStep()
  }

  /** What happened on the newest step says nothing of the lane's usual pace. */
  disturb(): void {
    this.isDisturbed = true
  }

  /** A peer let its claim on this request come to nothing. */
  letDownBy(peer: PeerId): void {
    this.failed.add(peer)
  }

  /** A peer says that it will not do the newest step, mostly because it cannot pull its tensor. */
  declinedBy(peer: PeerId): void {
    this.unwilling.add(peer)
  }

  /** The newest tensor cannot be had from here, though others may have it. */
  outOfReach(): void {
    this.isApart = true
  }

  /** A pull of the newest tensor failed, here or elsewhere. */
  pullFailed(): void {
    this.failedPulls++
  }

  get pullsFailed(): number {
    return this.failedPulls
  }

  /** Whether nothing is to be hoped for from this peer here. */
  isDoubted(peer: PeerId): boolean {
    return this.failed.has(peer) || this.unwilling.has(peer)
  }

  /** Whether this peer has said that it will not do the newest step. */
  declines(peer: PeerId): boolean {
    return this.unwilling.has(peer)
  }

  expect(favourite: PeerId): void {
    this.favourite = favourite
  }

  isFavourite(peer: PeerId): boolean {
    return peer === this.favourite
  }

  /** This provider publishes the newest step now. */
  said(nowMs: number): void {
    this.saidAtMs = nowMs
  }

  /** How long ago it did, milliseconds; Infinity if never. */
  silentMs(nowMs: number): number {
    return nowMs - this.saidAtMs
  }

  /** How long ago the newest step was seen, milliseconds; undefined when that says nothing of the lane. */
  undisturbedMs(nowMs: number): number | undefined {
    return this.isDisturbed ? undefined : nowMs - this.seenAtMs
  }

  /** A request has one deadline: what was long on its way does not put it off. */
  private shorten({ remainingMs }: Step, nowMs: number): void {
    this.endsAtMs = Math.min(this.endsAtMs, nowMs + remainingMs)
  }

  private beginStep(): void {
    this.unwilling.clear()
    this.failedPulls = 0
    this.isApart = false
    this.favourite = undefined
  }
}

function holderOf({ activation }: Step): PeerId | undefined {
  return activation.place === 'held' ? activation.holder : undefined
}
