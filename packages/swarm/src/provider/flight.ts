import { withOwnLink } from '../chain/own-link.ts'
import { tagOf } from '../presence/near.ts'
import { follows, isComplete, openLayers, startOf } from '../step.ts'
import type { Again, PeerId, RequestId, Step } from '../wire/messages.ts'
import { Doubts } from './doubts.ts'
import { StepWait } from './step-wait.ts'

/**
 * One request as a provider follows it.
 *
 * 1. Its newest step is replaced by one that supersedes it, or by the step before in a new era that its requester begins.
 * 2. The step before is the one that the newest follows; where that is not known there is none.
 * 3. Its deadline is never put off.
 * 4. Whoever let it down is said with its next step, so that others need not find that out again.
 */
export class Flight {
  readonly request: RequestId
  /** The neighbour that answers for the room that it takes. */
  readonly payer: PeerId
  /** Who is not to be counted on. */
  readonly doubts = new Doubts()
  /** How long the newest step has waited. */
  readonly wait: StepWait
  private step: Step
  private before: Step | undefined
  private endsAtMs: number
  /** The newest tensor cannot be had: only the requester can go on. */
  private isLost = false
  /** There is no way from here to whoever holds the newest tensor. */
  private isApart = false

  constructor(step: Step, nowMs: number, payer: PeerId = step.requester) {
    this.request = step.request
    this.payer = payer
    this.step = step
    this.wait = new StepWait(nowMs)
    this.endsAtMs = nowMs + step.remainingMs
    this.learn(step)
  }

  get newest(): Step {
    return this.step
  }

  get deadlineMs(): number {
    return this.endsAtMs
  }

  /** Whether its requester wants a peer to have no part in it. @param mark `draw(peer)`. */
  bars(mark: number): boolean {
    const { barred } = this.step
    return barred.length > 0 && barred.includes(tagOf(mark))
  }

  /** Who ran the last layer of the request; undefined before the first. */
  get author(): PeerId | undefined {
    const { route } = this.step
    return route.length > startOf(this.step) ? route.at(-1)?.peer : undefined
  }

  /** What is left of the requester's time, milliseconds. */
  remainingMs(nowMs: number): number {
    return Math.max(0, this.endsAtMs - nowMs)
  }

  /** Whether this member made the newest step itself: its own link is not in it yet. */
  get isOwn(): boolean {
    const { chain, route } = this.step
    return (chain.at(-1)?.hop ?? -1) < route.length
  }

  /** The newest step as this member, who is in charge of it, says it now. */
  message(self: PeerId, nowMs: number): Step {
    const silent = this.doubts.latest()
    return withOwnLink({ ...this.step, silent, remainingMs: this.remainingMs(nowMs) }, self)
  }

  /** The newest step, or the one before, if it has so many layers. */
  stepAt(hop: number): Step | undefined {
    return [this.step, this.before].find((step) => step?.route.length === hop)
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
    this.shorten(step, nowMs)
    this.isLost = false
    this.isApart = false
    this.doubts.stepChanged()
    this.learn(step)
    this.wait.begin(nowMs)
  }

  /** The newest step, with somebody named to go on with it or nobody. */
  name(next: PeerId | undefined): void {
    this.step = { ...this.step, next }
  }

  /** The newest tensor can be had in another place. */
  moveTensor(activation: Step['activation']): void {
    this.step = { ...this.step, activation, next: undefined }
  }

  /** The requester has asked for another choice on the step of so many layers, in a new era. */
  beginEra({
    era,
    hop,
    barred,
    signature,
  }: Pick<Again, 'era' | 'hop' | 'barred' | 'signature'>): void {
    const step = this.stepAt(hop)
    if (step === undefined) return
    if (step === this.before) {
      this.before = undefined
      this.doubts.stepChanged()
    }
    const chain = [{ hop, by: undefined, isOpen: false, tensor: undefined, signature }]
    this.step = { ...step, era, barred, chain, next: undefined }
    this.isLost = false
    this.isApart = false
    this.wait.wentBack()
  }

  /** The newest step is offered again, perhaps with its tensor in another place. */
  repeat(step: Step, nowMs: number): void {
    // Whoever names this peer has a way to it; otherwise only another holder makes a difference.
    if (step.next !== undefined || holderOf(step) !== holderOf(this.step)) this.isApart = false
    this.step = step
    this.shorten(step, nowMs)
    this.isLost = false
    this.learn(step)
    this.wait.disturb()
  }

  /** The newest tensor cannot be had: only its requester can have the request go on, from an older step. */
  loseTensor(): void {
    this.isLost = true
  }

  /** The newest tensor cannot be had from here, though others may have it. */
  outOfReach(): void {
    this.isApart = true
  }

  /** Whom others have waited for in vain. */
  private learn({ silent }: Step): void {
    for (const peer of silent) this.doubts.letDownBy(peer)
  }

  /** It is followed no longer than this. */
  endBy(atMs: number): void {
    this.endsAtMs = Math.min(this.endsAtMs, atMs)
  }

  /** A request has one deadline: what was long on its way does not put it off. */
  private shorten({ remainingMs }: Step, nowMs: number): void {
    this.endsAtMs = Math.min(this.endsAtMs, nowMs + remainingMs)
  }
}

function holderOf({ activation }: Step): PeerId | undefined {
  return activation.place === 'held' ? activation.holder : undefined
}
